/** Busy is not dead: three times more slaves than cores compute without a pause, and none may be taken for lost. */
import { mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { Job, local_slaves, tasks_from } from '../../src/index.js';

const tasks = tasks_from<typeof import('../tasks/process.js')>(
  new URL('../tasks/process.js', import.meta.url),
);
/** Each task blocks the event loop of its slave for so long, ms: beyond heartbeat_timeout, to make it hard. */
const TASK_MS = 15_000;

/** Runs for so many minutes and prints what happened. A false death makes the exit code 1. */
export async function run_busy(minutes: number): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'parjob-busy-'));
  const slaves = 3 * availableParallelism();
  const job = new Job<number>(local_slaves(slaves), {
    slave_command: [process.execPath],
    log_dir: folder,
    log_level: 'silent',
  });
  const heard = new Map<unknown, number>();
  let [lost, beats, longest_silence, longest_stall] = [0, 0, 0, 0];
  job.on('slave_lost', ({ slave, error }) => {
    lost++;
    console.log(`${slave} was taken for lost: ${error.message.split('\n')[0]}`);
  });
  job.on('heartbeat', ({ slave, vitals }) => {
    const now = performance.now();
    const silence = now - (heard.get(slave) ?? now);
    heard.set(slave, now);
    beats++;
    longest_silence = Math.max(longest_silence, silence);
    longest_stall = Math.max(longest_stall, vitals.stalled);
  });
  const before = cpu_times();
  const began_at = performance.now();
  const deadline = began_at + minutes * 60_000;
  let done = 0;
  try {
    await job.start();
    // one after another on each slave, and none queued beyond the end
    const keep_busy = async () => {
      for (; performance.now() < deadline; done++)
        await job.run_task(tasks.spin_for(Math.min(TASK_MS, deadline - performance.now())));
    };
    await Promise.all(Array.from({ length: slaves }, keep_busy));
  } finally {
    await job.stop();
    rmSync(folder, { recursive: true, force: true });
  }
  const after = cpu_times();
  const busy = 1 - (after.idle - before.idle) / (after.all - before.all);
  console.log(
    `${((performance.now() - began_at) / 60_000).toFixed(1)} minutes, ${slaves} slaves on ${availableParallelism()} cores, ` +
      `CPUs ${(busy * 100).toFixed(1)} % busy, load ${loadavg()[0]?.toFixed(1)}: ${done} tasks, ${beats} heartbeats, ` +
      `longest silence ${longest_silence.toFixed(0)} ms, longest stall of an event loop ${longest_stall} ms, ${lost} false deaths`,
  );
  if (lost > 0) process.exitCode = 1;
}

function cpu_times(): { idle: number; all: number } {
  let [idle, all] = [0, 0];
  for (const { times } of cpus()) {
    idle += times.idle;
    all += times.user + times.nice + times.sys + times.idle + times.irq;
  }
  return { idle, all };
}
