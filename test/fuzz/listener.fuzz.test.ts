/** What a client that proves nothing may cost: 64 KiB and 5 s, whatever it does. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Worker } from 'node:worker_threads';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { dial } from '../../src/net/dial.js';
import type { Link } from '../../src/net/link.js';
import { HANDSHAKE_TIMEOUT, Listener } from '../../src/net/listener.js';
import { secret } from '../kit/handshake.js';
import { wait_until } from '../kit/wait_until.js';
import type { CrowdReport } from './crowd.js';
import { MANNERS, type Manner, Stranger } from './strangers.js';
import { ask, start_thread } from './thread.js';

const MAX_BYTES = 64 * 1024;
const MAX_TIME = 5000;
/** What may be left of a client when it is gone, for what a process makes once and keeps. */
const LEFT_BYTES = 2048;
const IDENTITY = { slave_id: 3, launch: 0, role: 'main', is_resuming: false } as const;

let listener: Listener;
let accepted: Link[];
let refused = 0;
let strangers: Stranger[];
let thread: Worker | undefined;

beforeEach(async () => {
  [accepted, refused, strangers, thread] = [[], 0, [], undefined];
  listener = new Listener(secret, {
    knows: () => true,
    on_accept: (_identity, link) => accepted.push(link),
    on_refuse: () => refused++,
  });
  await listener.listen('127.0.0.1', 0, 0);
});
afterEach(async () => {
  vi.useRealTimers();
  listener.close();
  for (const stranger of strangers) stranger.end();
  for (const link of accepted) link.destroy();
  await thread?.terminate();
});

function meet(manner: Manner): Stranger {
  const stranger = new Stranger(listener.port, manner, { has_timers: false });
  strangers.push(stranger);
  return stranger;
}

/** A slave is let in; its end of the link. */
async function let_in(): Promise<Link> {
  const before = accepted.length;
  const { link } = await dial([{ host: '127.0.0.1', port: listener.port }], secret, IDENTITY);
  await wait_until(() => accepted.length > before, 'a slave that is let in');
  return link;
}

setFlagsFromString('--expose-gc');
const collect_garbage = runInNewContext('gc') as () => void;

function bytes_in_use(): number {
  for (let i = 0; i < 3; i++) collect_garbage();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

describe('a client that proves nothing', () => {
  it.each(MANNERS)('is gone after 5 s at the latest: %s', async (manner) => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const stranger = meet(manner);
    await wait_until(() => stranger.is_connected, 'a connection');
    // accepts are in the order of the connections: when the slave is in, the stranger was met
    const slave = await let_in();
    for (let ms = 0; ms < MAX_TIME; ms += 500) {
      // what it says buys it no time
      if (manner === 'drip' && stranger.is_connected) stranger.say(Buffer.from('P'));
      vi.advanceTimersByTime(500);
    }
    await wait_until(() => !stranger.is_connected, 'the end of the connection');
    expect(refused).toBe(1);
    expect(slave.is_closed).toBe(false);
    slave.destroy();
  });

  it('may be silent until then', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const stranger = meet('half_proof');
    const slave = await let_in();
    await wait_until(() => stranger.is_connected, 'a connection');
    vi.advanceTimersByTime(HANDSHAKE_TIMEOUT - 1);
    const second = await let_in();
    expect(stranger.is_connected).toBe(true);
    expect(HANDSHAKE_TIMEOUT).toBeLessThanOrEqual(MAX_TIME);
    for (const link of [slave, second]) link.destroy();
  });
});

describe('hundreds of clients that prove nothing', () => {
  it.each([
    ['500 that wait', 500, MANNERS.filter((manner) => !manner.startsWith('babble'))],
    ['200 that babble as much as goes', 200, MANNERS.filter((manner) => manner.startsWith('babble'))],
  ] as const)('%s cost at most 64 KiB each, and leave nothing behind', async (_what, count, manners) => {
    // what is made once, such as the buffer that all reads share, is no cost of a client
    (await let_in()).destroy();
    const before = bytes_in_use();
    const order = { port: listener.port, count, manners, options: { come_back_after: 50 } };
    thread = start_thread('./crowd.ts', order);
    await wait_until_met(thread, count);
    const during = bytes_in_use();
    expect((during - before) / count).toBeLessThan(MAX_BYTES);
    // and a slave gets in all the same
    (await let_in()).destroy();
    await thread.terminate();
    await wait_until(
      () => bytes_in_use() - before < count * LEFT_BYTES,
      'the end of what the clients have cost',
    );
  });
});

/** Each has been connected, or was thrown out, and some have said much. */
async function wait_until_met(strangers: Worker, count: number): Promise<void> {
  for (let met = 0; met < count; ) {
    const { connected, ends } = await ask<CrowdReport>(strangers);
    met = connected + ends;
  }
}
