/**
 * Detection: how soon the task of a lost slave runs elsewhere, from the blow to the first line that the task writes on
 * the other slave; and how soon a slave whose connections were cut is back, with its task going on.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Job, tasks_from } from '../../src/index.js';
import { ledger_time, type Run, read_ledger } from './ledger.js';
import { ProxiedSlave } from './proxied_slave.js';
import { TcpProxy } from './tcp_proxy.js';

const STRIKES = 20;
const HEARTBEAT_TIMEOUT = 2000;

interface Blow {
  name: string;
  /** What is promised, ms. */
  limit: number;
  /** The slave comes back, and its task is not to run elsewhere. */
  is_mended?: boolean;
  strike(pid: number, proxy: TcpProxy, slave_id: number): void;
}

const BLOWS: readonly Blow[] = [
  { name: 'kill -9', limit: 100, strike: (pid) => process.kill(pid, 'SIGKILL') },
  {
    name: 'reset',
    limit: 1000,
    is_mended: true,
    strike: (_pid, proxy, id) => connections(proxy, id, (c) => c.cut('rst')),
  },
  {
    name: 'closed',
    limit: 1000,
    is_mended: true,
    strike: (_pid, proxy, id) => connections(proxy, id, (c) => c.cut('fin')),
  },
  { name: 'SIGSTOP', limit: HEARTBEAT_TIMEOUT + 1000, strike: (pid) => process.kill(pid, 'SIGSTOP') },
  {
    name: 'half open',
    limit: HEARTBEAT_TIMEOUT,
    is_mended: true,
    strike: (_pid, proxy, id) => connections(proxy, id, (c) => c.freeze()),
  },
  {
    name: 'cable out',
    limit: HEARTBEAT_TIMEOUT + 1000,
    strike: (_pid, proxy, id) => {
      proxy.is_unplugged = true;
      connections(proxy, id, (c) => c.freeze());
    },
  },
];

function connections(
  proxy: TcpProxy,
  slave_id: number,
  act: (connection: TcpProxy['connections'] extends Set<infer C> ? C : never) => void,
): void {
  for (const connection of [...proxy.connections])
    if (connection.peer?.slave_id === slave_id) act(connection);
}

/** Prints a line for each kind of blow. Too slow ones make the exit code 1. */
export async function run_detection(strikes = STRIKES): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'parjob-detection-'));
  process.env['CHAOS_LEDGER'] = folder;
  const proxy = new TcpProxy();
  await proxy.listen();
  try {
    for (const blow of BLOWS) {
      const times = (await measure(blow, strikes, folder, proxy)).sort((a, b) => a - b);
      const p50 = times[Math.floor(times.length / 2)] ?? Number.NaN;
      const max = times.at(-1) ?? Number.NaN;
      const verdict = max <= blow.limit ? 'kept' : 'BROKEN';
      if (max > blow.limit) process.exitCode = 1;
      console.log(
        `${blow.name}: ${blow.is_mended === true ? 'slave back' : 'task elsewhere'} after p50 ${p50.toFixed(1)} ms, max ${max.toFixed(1)} ms of ${times.length} strikes; ` +
          `promised ${blow.limit} ms: ${verdict}`,
      );
    }
  } finally {
    await proxy.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function measure(blow: Blow, strikes: number, folder: string, proxy: TcpProxy): Promise<number[]> {
  const ids = new Map<number, number>();
  const new_slave = () =>
    new ProxiedSlave(proxy.port, {}, ({ pid, slave_id, port }) => {
      proxy.target = port;
      ids.set(pid as number, slave_id);
    });
  const job = new Job<unknown>([new_slave(), new_slave()], {
    slave_command: [process.execPath],
    log_dir: folder,
    log_level: 'silent',
    heartbeat_interval: 200,
    heartbeat_timeout: HEARTBEAT_TIMEOUT,
  });
  const { hold } = tasks_from(new URL('./tasks.js', import.meta.url)) as {
    hold: (spec: { i: number }) => never;
  };
  let on_back: (() => void) | undefined;
  job.on('slave_reconnected', () => on_back?.());
  const times: number[] = [];
  try {
    for (let i = 0; i < strikes; i++) {
      await job.start();
      const task = next_task++;
      const enough = new AbortController();
      const outcome = job.run_task(hold({ i: task }), { signal: enough.signal }).catch(() => {});
      const first = await wait_run(folder, task, 1);
      // a slave whose pulse has just begun is no usual one
      await pause(300);
      const struck_at = ledger_time();
      const is_back = new Promise<void>((resolve) => {
        on_back = resolve;
      });
      blow.strike(first.pid, proxy, ids.get(first.pid) as number);
      if (blow.is_mended === true) {
        await is_back;
        times.push((ledger_time() - struck_at) / 1000);
        await pause(300);
        await wait_run(folder, task, 1);
      } else {
        const second = await wait_run(folder, task, 2);
        times.push((second.began_at - struck_at) / 1000);
        proxy.is_unplugged = false;
      }
      enough.abort();
      await outcome;
      await pause(100);
    }
  } finally {
    await job.stop();
  }
  return times;
}

let next_task = 0;

/** The last of `count` runs of the task, as soon as there are so many. @throws Error when there are more, or after 30 s */
async function wait_run(folder: string, task: number, count: number): Promise<Run> {
  const deadline = performance.now() + 30_000;
  for (;;) {
    const runs = read_ledger(folder).filter((run) => run.task === task);
    if (runs.length > count) throw new Error(`task ${task} ran ${runs.length} times, not ${count}`);
    if (runs.length === count) return runs.reduce((a, b) => (a.began_at > b.began_at ? a : b));
    if (performance.now() > deadline) throw new Error(`task ${task} did not run ${count} times`);
    await pause(10);
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
