/** Connections of real slaves that are cut, again and again: nothing is lost, and nothing is run twice. */
import { readFileSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { tasks_from } from '../../src/index.js';
import { cluster_job, next_event, test_folder } from '../kit/cluster.js';
import { RawServer } from '../kit/raw_client.js';

const tasks = tasks_from<typeof import('../tasks/process.js')>(
  new URL('../tasks/process.js', import.meta.url),
);

const detours: Detour[] = [];
afterEach(() => {
  for (const detour of detours.splice(0)) detour.close();
});

/** Stands between slaves and their master, which a slave tells it by a file before it dials. */
class Detour {
  readonly #server: RawServer;
  readonly #file: string;
  readonly #far: Socket[] = [];
  #is_closed_to_new = false;

  constructor(folder: string) {
    this.#file = join(folder, 'master_port');
    this.#server = new RawServer((socket) => {
      if (this.#is_closed_to_new) return socket.destroy();
      const far = connect(Number(readFileSync(this.#file, 'utf8')), '127.0.0.1');
      this.#far.push(far);
      far.on('error', () => {});
      far.on('close', () => socket.destroy());
      socket.on('close', () => far.destroy());
      return far.pipe(socket).pipe(far);
    });
    detours.push(this);
  }

  /** Words for `slave_command`: a node that finds this in the place of its master. */
  async slave_command(folder: string): Promise<string[]> {
    const port = await this.#server.listen();
    const script = join(folder, 'preload.mjs');
    writeFileSync(
      script,
      `import { writeFileSync } from 'node:fs';
       const at = process.argv.indexOf('--connect') + 1;
       const [host, port] = process.argv[at].split(':');
       writeFileSync(${JSON.stringify(this.#file)}, port);
       process.argv[at] = host + ':${port}';`,
    );
    return [process.execPath, '--import', script];
  }

  /** Cuts all connections. */
  cut(): void {
    for (const socket of [...this.#server.sockets.splice(0), ...this.#far.splice(0)]) socket.destroy();
  }

  /** From now on connections are cut at once, or no more. */
  set_closed(is_closed: boolean): void {
    this.#is_closed_to_new = is_closed;
  }

  close(): void {
    this.cut();
    this.#server.close();
  }
}

it('cut in mid-run, slaves come back, and each task runs once', async () => {
  const folder = test_folder();
  const detour = new Detour(folder);
  const job = cluster_job<number>(2, { slave_command: await detour.slave_command(folder) });
  const counts = { lost: 0, broken: 0, back: 0 };
  job.on('slave_lost', () => counts.lost++);
  job.on('slave_disconnected', () => counts.broken++);
  job.on('slave_reconnected', () => counts.back++);
  const file = join(folder, 'marks');
  const COUNT = 400;
  for (let n = 0; n < COUNT; n++) job.queue_task(tasks.mark(file, n, 1));
  const all = Array.from({ length: COUNT }, (_, n) => n);
  const seen: number[] = [];
  for await (const n of job.yield_tasks_unordered()) {
    seen.push(n);
    if (seen.length % 100 === 50) detour.cut();
  }
  expect(seen.toSorted((a, b) => a - b)).toEqual(all);
  const ran = readFileSync(file, 'utf8').trim().split('\n').map(Number);
  expect(ran.toSorted((a, b) => a - b)).toEqual(all);
  expect(counts.lost).toBe(0);
  expect(counts.back).toBeGreaterThanOrEqual(2);
  expect(counts.broken).toBeGreaterThanOrEqual(counts.back);
});

it('cut while a task blocks its thread, a slave delivers what that has come to', async () => {
  const folder = test_folder();
  const detour = new Detour(folder);
  const job = cluster_job<number>(1, {
    slave_command: await detour.slave_command(folder),
    heartbeat_interval: 100,
  });
  await job.start();
  const pid = job[0]?.pid;
  const heard = next_event(job, 'heartbeat');
  const result = job.run_task(tasks.spin_for(1500));
  await heard;
  const back = next_event(job, 'slave_reconnected');
  detour.cut();
  expect(await result).toBe(1500);
  await back;
  expect(job[0]?.pid).toBe(pid);
});

it('that cannot come back in time, a slave is lost, and its task is run by another process', async () => {
  const folder = test_folder();
  const detour = new Detour(folder);
  const job = cluster_job<number>(1, {
    slave_command: await detour.slave_command(folder),
    reconnect_timeout: 300,
  });
  await job.start();
  const lost = next_event(job, 'slave_lost');
  const mark = join(folder, 'marks');
  const result = job.run_task(tasks.mark(mark, 1, 2000));
  detour.set_closed(true);
  detour.cut();
  const { why } = await lost;
  detour.set_closed(false);
  expect(why).toBe('lost');
  expect(await result).toBe(1);
});
