/** Masters that are killed, and the runs that go on where they stopped. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, it } from 'vitest';
import { test_folder } from '../kit/cluster.js';
import { Program, wait_gone } from '../kit/processes.js';

const TASKS = new URL('../tasks/process.js', import.meta.url);
const INDEX = pathToFileURL(join(process.cwd(), 'dist/bundle/index.js'));
const COUNT = 60;

/** A master that runs tasks which leave marks, and says which have ended. `options` are those of its Job, as text. */
function master(folder: string, options: string, queue = ''): Program {
  const script = join(folder, 'main.mjs');
  const mark = JSON.stringify(join(folder, 'marks'));
  writeFileSync(
    script,
    `import { Job, local_slaves, tasks_from } from ${JSON.stringify(INDEX)};
     const tasks = tasks_from(${JSON.stringify(TASKS)});
     const job = new Job(local_slaves(2), { log_level: 'silent', prefetch: 4, ${options} });
     job.on('slave_started', ({ pid }) => console.log('slave ' + pid));
     job.on('task_done', ({ task }) => console.log('done ' + task.index));
     for (let n = 0; n < ${COUNT}; n++) ${queue || `job.queue_task(tasks.mark(${mark}, n, 20))`};
     try {
       console.log('results ' + JSON.stringify(await job.run_all_tasks()));
     } catch (error) {
       console.log('error ' + JSON.stringify({ ...error, message: error.message }));
     }
     await job.stop();`,
  );
  return new Program([script], { cwd: folder });
}

/** Lines that a master prints, by their first word, until it has said `until` `count` times. */
async function listen(program: Program, until: string, count = 1): Promise<Map<string, string[]>> {
  const said = new Map<string, string[]>();
  while ((said.get(until)?.length ?? 0) < count) {
    const line = await program.line();
    const word = line.slice(0, line.indexOf(' '));
    said.set(word, [...(said.get(word) ?? []), line.slice(word.length + 1)]);
  }
  return said;
}

it('a master that is killed in mid-run and started again runs nothing twice that had ended', async () => {
  const folder = test_folder();
  const first = master(folder, 'status_file: true');
  const said = await listen(first, 'done', 15);
  first.child.kill('SIGKILL');
  await first.ended;
  const slaves = (said.get('slave') ?? []).map(Number);
  expect(slaves).toHaveLength(2);
  await wait_gone(slaves);
  const ended_before = (said.get('done') ?? []).map(Number);

  const second = master(folder, 'restart: true');
  const later = await listen(second, 'results');
  expect(await second.ended).toMatchObject({ code: 0 });
  const all = Array.from({ length: COUNT }, (_, n) => n);
  expect(JSON.parse(later.get('results')?.[0] as string)).toEqual(all);
  await wait_gone((later.get('slave') ?? []).map(Number));
  const ran = readFileSync(join(folder, 'marks'), 'utf8').trim().split('\n').map(Number);
  expect(new Set(ran)).toEqual(new Set(all));
  for (const n of ended_before) expect(ran.filter((other) => other === n)).toEqual([n]);
  expect((later.get('done') ?? []).map(Number).filter((n) => ended_before.includes(n))).toEqual([]);

  // and once more, when all is done: nobody is started
  const third = await listen(master(folder, 'restart: true'), 'results');
  expect(third.get('slave')).toBeUndefined();
  expect(JSON.parse(third.get('results')?.[0] as string)).toEqual(all);
});

it('a second master on the same status file is refused, and the first goes on', async () => {
  const folder = test_folder();
  const gate = join(folder, 'gate');
  const first = master(
    folder,
    'status_file: true',
    `job.queue_task(tasks.wait_for_file(${JSON.stringify(gate)}))`,
  );
  await listen(first, 'slave');
  const second = await listen(master(folder, 'restart: true'), 'error');
  expect(JSON.parse(second.get('error')?.[0] as string)).toMatchObject({
    code: 'PARJOB_ERR_STATUS_FILE',
    problem: 'locked',
    message: expect.stringContaining(String(first.child.pid)),
  });
  expect(second.get('slave')).toBeUndefined();
  writeFileSync(gate, '');
  const said = await listen(first, 'results');
  expect(JSON.parse(said.get('results')?.[0] as string)).toHaveLength(COUNT);
  await first.ended;
});

it('a status file of another program is refused, with what differs', async () => {
  const folder = test_folder();
  await listen(master(folder, 'status_file: true'), 'results');
  const other = await listen(master(folder, 'restart: true', 'job.queue_task(tasks.add(n, 1))'), 'error');
  const error = JSON.parse(other.get('error')?.[0] as string);
  expect(error).toMatchObject({ code: 'PARJOB_ERR_STATUS_FILE', problem: 'other_program' });
  expect(error.message).toContain('mark');
  expect(error.message).toContain('add');
});
