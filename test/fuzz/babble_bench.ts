/**
 * Bench: how much 1,000 connections that prove nothing slow a run down. `npx tsx test/fuzz/babble_bench.ts
 * [--rounds 5] [--tasks 20000] [--clients 1000]`, after `npm run build`.
 *
 * Two slaves run small tasks, in rounds that take turns: without clients, with idle ones, with ones that babble,
 * and with all manners of them. The clients are in a process of their own and come back when they are thrown out.
 * Goal: at most 1.10 times the time without.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Job, local_slaves, tasks_from } from '../../src/index.js';
import { median, rounded } from '../bench/stats.js';
import { free_port } from '../kit/raw_client.js';
import type { CrowdOrder, CrowdReport } from './crowd.js';
import { MANNERS } from './strangers.js';

const NOBODY: CrowdReport = { connected: 0, ends: 0, said: 0 };
const GOAL = 1.1;
/** For clients that were told to come to be there, ms. */
const GATHER_TIME = 1500;

const CROWDS: Readonly<Record<string, Omit<CrowdOrder, 'port' | 'count'> | undefined>> = {
  nobody: undefined,
  idle: { manners: ['idle', 'half_hello'], options: { come_back_after: 1000 } },
  babbling: {
    manners: ['babble', 'babble_after_hello'],
    options: { come_back_after: 1000, bytes_per_second: 5000 },
  },
  mixed: { manners: MANNERS, options: { come_back_after: 1000, bytes_per_second: 5000 } },
};

/** What one round has cost. */
interface Round {
  ms: number;
  /** CPU time of the master, ms. */
  cpu: number;
  /** Resident memory of the master at the end, bytes. */
  rss: number;
}

const { values: flags } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    tasks: { type: 'string', default: '20000' },
    clients: { type: 'string', default: '1000' },
  },
});
const [rounds, task_count, clients] = [Number(flags.rounds), Number(flags.tasks), Number(flags.clients)];

const { sleep_for } = tasks_from<typeof import('../tasks/process.js')>(
  new URL('../tasks/process.js', import.meta.url),
);
const port = await free_port();
await using job = new Job(local_slaves(2), {
  jobname: 'babble',
  log_dir: tmpdir(),
  log_level: 'silent',
  port,
});
await job.start();
await run_tasks(1000);

const results = new Map<string, Round[]>(Object.keys(CROWDS).map((name) => [name, []]));
for (let round = 0; round < rounds; round++) {
  for (const [name, crowd] of Object.entries(CROWDS)) {
    const child = crowd && (await gather({ ...crowd, port, count: clients }));
    const result = await run_tasks(task_count);
    const { connected, ends, said } = child === undefined ? NOBODY : await ask(child);
    if (child !== undefined) await send_home(child);
    results.get(name)?.push(result);
    const news = `${connected} connected, ${ends} were thrown out, ${said} bytes said`;
    console.log(
      `round ${round + 1}, ${name}: ${result.ms.toFixed(0)} ms, master ${result.cpu.toFixed(0)} ms of CPU; ${news}`,
    );
  }
}
const base = results.get('nobody') as Round[];
for (const [name, list] of results) {
  const of = (what: keyof Round) =>
    rounded(median(list.map((result, i) => result[what] / (base[i] as Round)[what])));
  console.log(
    `${name}: time x ${of('ms')} (goal ${GOAL}), CPU of the master x ${of('cpu')}, memory x ${of('rss')}`,
  );
}

async function run_tasks(count: number): Promise<Round> {
  for (let i = 0; i < count; i++) job.queue_task(sleep_for(1));
  const cpu = process.cpuUsage();
  const start = performance.now();
  await job.run_all_tasks();
  const ms = performance.now() - start;
  const { user, system } = process.cpuUsage(cpu);
  return { ms, cpu: (user + system) / 1000, rss: process.memoryUsage.rss() };
}

async function gather(order: CrowdOrder): Promise<ChildProcess> {
  const module = fileURLToPath(new URL('./crowd.ts', import.meta.url));
  const child = fork(module, [JSON.stringify(order)], { execArgv: ['--import', 'tsx'] });
  await ask(child);
  await sleep(GATHER_TIME);
  return child;
}

async function ask(child: ChildProcess): Promise<CrowdReport> {
  child.send('report');
  const [report] = (await once(child, 'message')) as [CrowdReport];
  return report;
}

async function send_home(child: ChildProcess): Promise<void> {
  const gone = once(child, 'exit');
  child.kill();
  await gone;
  // until the last of them is thrown out
  await sleep(GATHER_TIME);
}
