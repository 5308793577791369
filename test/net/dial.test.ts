import { randomBytes } from 'node:crypto';
import type { Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { NetworkError } from '../../src/errors.js';
import type { Address } from '../../src/net/address.js';
import { DialError, type Dialled, dial } from '../../src/net/dial.js';
import type { Link } from '../../src/net/link.js';
import { Listener } from '../../src/net/listener.js';
import { MasterHandshake, SECRET_BYTES } from '../../src/wire/hello.js';
import { IDENTITY, secret } from '../kit/handshake.js';
import { free_port, RawServer } from '../kit/raw_client.js';
import { wait_until } from '../kit/wait_until.js';
import { type Watched, watch } from '../kit/watch.js';

const host = '127.0.0.1';

let clean_up: (() => void)[];
let accepted: Link[];

beforeEach(() => {
  [clean_up, accepted] = [[], []];
  // the stagger and the time limit of dial pass when the test says so
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
});
afterEach(() => {
  vi.useRealTimers();
  for (const undo of clean_up) undo();
  for (const link of accepted) link.destroy();
});

async function master(its_secret = secret): Promise<Address> {
  const listener = new Listener(its_secret, {
    knows: () => true,
    on_accept: (_identity, link) => accepted.push(link),
    on_refuse: () => {},
  });
  clean_up.push(() => listener.close());
  await listener.listen(host, 0, 0);
  return { host, port: listener.port };
}

async function server(serve: (socket: Socket) => void): Promise<Address & { sockets: Socket[] }> {
  const raw = new RawServer(serve);
  clean_up.push(() => raw.close());
  const port = await raw.listen();
  return { host, port, sockets: raw.sockets };
}

const silent = () => server((socket) => socket.resume());
const closing = () => server((socket) => socket.end());
const garbage = () => server((socket) => socket.write('SSH-2.0-OpenSSH_9.6\r\n'.repeat(9)));
const nobody = async () => ({ host, port: await free_port() });

function name({ port }: Address): string {
  return `${host}:${port}`;
}

/** Dials as a slave does, and lets the time of the stagger pass. */
async function dialled(addresses: readonly Address[]): Promise<Dialled> {
  const dialling = dial(addresses, secret, IDENTITY);
  vi.advanceTimersByTime(200 * addresses.length);
  const result = await dialling;
  clean_up.push(() => result.link.destroy());
  return result;
}

async function failure(addresses: readonly Address[]): Promise<DialError> {
  const error = await dialled(addresses).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(DialError);
  return error as DialError;
}

describe('dial', () => {
  it('gives a link to the master, on which both are of one mind', async () => {
    const { link, rest } = await dialled([await master()]);
    await wait_until(() => accepted.length === 1, 'the other end');
    expect(rest).toHaveLength(0);
    let received = '';
    link.read_with({
      push: (bytes, end) => {
        received += bytes.toString('latin1', 0, end);
      },
    });
    accepted[0]?.send([Buffer.from('welcome')]);
    await wait_until(() => received === 'welcome', 'the first order');
    expect(link.is_closed).toBe(false);
  });

  it('hands over what the master said right behind its challenge', async () => {
    const eager = await server((socket) => {
      const handshake = new MasterHandshake(secret);
      socket.on('data', (bytes) => {
        const { reply } = handshake.push(bytes);
        if (reply !== undefined) socket.write(Buffer.concat([reply, Buffer.from('early')]));
      });
    });
    expect((await dialled([eager])).rest.toString()).toBe('early');
  });

  it.each([
    ['nobody listens', nobody],
    ['someone hangs up', closing],
    ['something else answers', garbage],
    ['nothing is said', silent],
    ['another master answers', () => master(randomBytes(SECRET_BYTES))],
  ])('is not hindered by an address where %s, before or after the right one', async (_what, wrong) => {
    const right = await master();
    for (const addresses of [
      [await wrong(), right],
      [right, await wrong()],
    ]) {
      const { link } = await dialled(addresses);
      expect(link.peer).toBe(name(right));
    }
  });

  it('dials one address first, and the others only when their time has come', async () => {
    const [first, second] = [await silent(), await silent()];
    const dialling: Watched = watch(dial([first, second], secret, IDENTITY));
    await wait_until(() => first.sockets.length === 1, 'the first connection');
    vi.advanceTimersByTime(199);
    await wait_until(() => first.sockets[0]?.bytesRead === 48, 'the hello');
    expect(second.sockets).toHaveLength(0);
    vi.advanceTimersByTime(1);
    await wait_until(() => second.sockets.length === 1, 'the second connection');
    vi.advanceTimersByTime(10_000);
    await wait_until(() => dialling.state === 'rejected', 'giving up');
  });

  it('dials the next address at once when one has failed', async () => {
    const { link } = await dial([await nobody(), await closing(), await master()], secret, IDENTITY);
    clean_up.push(() => link.destroy());
    expect(link.is_closed).toBe(false);
  });

  it('fails at once when it is told no address', async () => {
    await expect(dial([], secret, IDENTITY)).rejects.toThrow('cannot reach the master: tried no address');
  });

  it('never dials the others when the first address was good at once', async () => {
    const [right, other] = [await master(), await silent()];
    const { link } = await dial([right, other], secret, IDENTITY);
    clean_up.push(() => link.destroy());
    await wait_until(() => accepted.length === 1, 'the other end');
    vi.advanceTimersByTime(60_000);
    // a connection to the other would have come before this one
    await dialled([await master()]);
    expect(other.sockets).toHaveLength(0);
    expect(link.is_closed).toBe(false);
  });

  it('hangs up on all addresses but the one that it keeps', async () => {
    const [first, second] = [await silent(), await silent()];
    const { link } = await dialled([first, second, await master()]);
    await wait_until(
      () => [...first.sockets, ...second.sockets].every((socket) => socket.closed),
      'two ends',
    );
    expect(link.is_closed).toBe(false);
  });

  it('names every address and what it said when none leads to the master', async () => {
    const [a, b, c, d] = [
      await nobody(),
      await closing(),
      await garbage(),
      await master(randomBytes(SECRET_BYTES)),
    ];
    const error = await failure([a, b, c, d]);
    expect(error).toBeInstanceOf(NetworkError);
    expect(error.message).toBe(
      `cannot reach the master: tried ${name(a)} (connect ECONNREFUSED ${name(a)}), ` +
        `${name(b)} (closed the connection in the handshake), ` +
        `${name(c)} (something else than a parjob master answers there), ` +
        `${name(d)} (the master there does not know the secret of this job: it is the master of another one)`,
    );
  });

  it.each([
    ['bad_secret', () => master(randomBytes(SECRET_BYTES))],
    ['stranger', garbage],
    [undefined, nobody],
    [undefined, closing],
  ])('says in a word why it was refused: %s', async (refusal, wrong) => {
    expect((await failure([await wrong()])).refusal).toBe(refusal);
  });

  it.each([
    ['nobody listens anywhere', nobody, 2, false],
    ['one hangs up', closing, 1, true],
  ])(
    'tells a master that is gone from one that cannot be heard: %s',
    async (_what, other, count, was_cut) => {
      const addresses = [await nobody(), await other()];
      const error = await failure(addresses);
      expect(error.was_cut).toBe(was_cut);
      expect(new Set(error.without_listener)).toEqual(new Set(addresses.slice(0, count)));
    },
  );

  it('tells a master that is gone from one that cannot be heard: one is silent', async () => {
    const quiet = await silent();
    const gone = await nobody();
    const dialling = watch(dial([gone, quiet], secret, IDENTITY));
    await wait_until(() => quiet.sockets.length === 1, 'the connection');
    vi.advanceTimersByTime(10_000);
    await wait_until(() => dialling.state === 'rejected', 'giving up');
    expect(dialling.outcome).toMatchObject({ without_listener: [gone], was_cut: false });
  });

  it('says that the versions differ when they do', async () => {
    const newer = await server((socket) => {
      const challenge = Buffer.alloc(72);
      challenge.writeUInt32BE(0x504a4f42, 0);
      challenge.writeUInt16BE(999, 4);
      challenge.writeUInt16BE(1, 6);
      socket.end(challenge);
    });
    const error = await failure([newer]);
    expect(error.refusal).toBe('version_differs');
    expect(error.message).toContain('the master speaks version 999 of the protocol');
  });

  it('gives up after ten seconds, names who was silent, and hangs up', async () => {
    const [quiet, dead] = [await silent(), await nobody()];
    const dialling = watch(dial([quiet, dead], secret, IDENTITY));
    vi.advanceTimersByTime(200);
    await wait_until(() => quiet.sockets.length === 1, 'the connection');
    vi.advanceTimersByTime(9799);
    expect(dialling.state).toBe('waits');
    vi.advanceTimersByTime(1);
    await wait_until(() => dialling.state === 'rejected', 'giving up');
    expect(String(dialling.outcome)).toContain(`${name(quiet)} (no answer within 10000 ms)`);
    expect(String(dialling.outcome)).toContain(`${name(dead)} (`);
    await wait_until(() => quiet.sockets[0]?.closed === true, 'the end of the connection');
  });

  it('gives up after the time that it is given', async () => {
    const quiet = await silent();
    const dialling = watch(dial([quiet], secret, IDENTITY, { timeout: 1500 }));
    await wait_until(() => quiet.sockets.length === 1, 'the connection');
    vi.advanceTimersByTime(1499);
    expect(dialling.state).toBe('waits');
    vi.advanceTimersByTime(1);
    await wait_until(() => dialling.state === 'rejected', 'giving up');
    expect(String(dialling.outcome)).toContain(`${name(quiet)} (no answer within 1500 ms)`);
    await wait_until(() => quiet.sockets[0]?.closed === true, 'the end of the connection');
  });

  it('says whether the slave resumes', async () => {
    const resuming: boolean[] = [];
    const listener = new Listener(secret, {
      knows: ({ launch }) => launch === IDENTITY.launch,
      on_accept: (identity, link) => {
        accepted.push(link);
        resuming.push(identity.is_resuming);
      },
      on_refuse: () => {},
    });
    clean_up.push(() => listener.close());
    await listener.listen(host, 0, 0);
    for (const is_resuming of [true, false]) {
      const { link } = await dial([{ host, port: listener.port }], secret, { ...IDENTITY, is_resuming });
      clean_up.push(() => link.destroy());
    }
    await wait_until(() => resuming.length === 2, 'both');
    expect(resuming).toEqual([true, false]);
  });

  it('says whether the master knows what is to be resumed', async () => {
    const address = await master();
    const { link, is_unknown } = await dial([address], secret, { ...IDENTITY, is_resuming: true });
    clean_up.push(() => link.destroy());
    expect(is_unknown).toBe(false);
    const ignorant = new Listener(secret, {
      knows: () => false,
      on_accept: (_identity, other) => accepted.push(other),
      on_refuse: () => {},
    });
    clean_up.push(() => ignorant.close());
    await ignorant.listen(host, 0, 0);
    for (const is_resuming of [true, false]) {
      const answer = await dial([{ host, port: ignorant.port }], secret, { ...IDENTITY, is_resuming });
      clean_up.push(() => answer.link.destroy());
      expect(answer.is_unknown).toBe(is_resuming);
    }
  });

  it('leaves no timer behind', async () => {
    await dialled([await nobody(), await master()]);
    await failure([await nobody()]);
    for (const undo of clean_up) undo();
    for (const link of accepted) link.destroy();
    // what is left are handshakes of the masters, which are over
    expect(vi.getTimerCount()).toBe(0);
  });
});
