/** Clients that are no slaves of the job never disturb a run. */

import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { expect, it } from 'vitest';
import { tasks_from } from '../../src/index.js';
import { SlaveHandshake } from '../../src/wire/hello.js';
import { cluster_job, next_event } from '../kit/cluster.js';

const tasks = tasks_from<typeof import('../tasks/process.js')>(
  new URL('../tasks/process.js', import.meta.url),
);

/** The port that a slave was told. */
function port_of(pid: number): number {
  const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
  return Number((words[words.indexOf('--connect') + 1] as string).split(':').at(-1));
}

function attack(port: number, first_words: Buffer | string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(first_words, () => resolve(socket)));
    socket.on('error', () => {});
    socket.once('error', reject);
  });
}

it('garbage, silence, half a hello, HTTP and a wrong secret are turned away while a run goes on', async () => {
  const job = cluster_job<number>(2);
  await job.start();
  const port = port_of(job[0]?.pid as number);
  const refused: string[] = [];
  job.on('client_refused', ({ reason }) => refused.push(reason.message));
  for (let i = 0; i < 200; i++) job.queue_task(tasks.sleep_for(2));
  const results = job.run_all_tasks();
  const wrong = new SlaveHandshake(randomBytes(32), {
    slave_id: 0,
    launch: 0,
    role: 'main',
    is_resuming: false,
  });
  const sockets = await Promise.all([
    attack(port, randomBytes(100_000)),
    attack(port, ''),
    attack(port, wrong.hello.subarray(0, 20)),
    attack(port, 'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n'.repeat(4)),
  ]);
  const liar = await attack(port, wrong.hello);
  const answered = new Promise<Buffer>((resolve) => liar.once('data', resolve));
  const challenge = await answered;
  const turned_away = next_event(job, 'client_refused');
  liar.write(randomBytes(32));
  await turned_away;
  expect(await results).toEqual(Array(200).fill(2));
  // the wrong secret is seen by the slave's end as well: the challenge does not fit
  expect(wrong.push(challenge).refused?.refusal).toBe('bad_secret');
  expect(refused.filter((reason) => reason.includes('another protocol'))).toHaveLength(2);
  expect(refused).toContain('a client did not prove that it knows the secret of this job');
  for (const socket of [...sockets, liar]) socket.destroy();
});

it('a slave of a former launch, or one that the job does not know, is not let in', async () => {
  const job = cluster_job<number>(1);
  await job.start();
  const pid = job[0]?.pid as number;
  const port = port_of(pid);
  const secret = Buffer.from(
    (
      readFileSync(`/proc/${pid}/environ`, 'utf8').match(/PARJOB_SECRET=([0-9a-f]+)/) as RegExpMatchArray
    )[1] as string,
    'hex',
  );
  for (const identity of [
    { slave_id: 0, launch: 7, role: 'main' as const, is_resuming: false },
    { slave_id: 0, launch: 0, role: 'main' as const, is_resuming: false },
    { slave_id: 99, launch: 0, role: 'main' as const, is_resuming: false },
  ]) {
    const handshake = new SlaveHandshake(secret, identity);
    const socket = await attack(port, handshake.hello);
    const closed = new Promise((resolve) => socket.once('close', resolve));
    socket.on('data', (bytes) => {
      const { reply } = handshake.push(bytes);
      if (reply !== undefined) socket.write(reply);
    });
    await closed;
  }
  job.queue_task(tasks.add(1, 2));
  expect(await job.run_all_tasks()).toEqual([3]);
  expect(job[0]?.pid).toBe(pid);
});

it('a hundred silent clients cost nothing but their sockets', async () => {
  const job = cluster_job<number>(1);
  await job.start();
  const port = port_of(job[0]?.pid as number);
  const sockets = await Promise.all(Array.from({ length: 100 }, () => attack(port, 'PJOB')));
  const refused = next_event(job, 'client_refused');
  sockets[0]?.destroy();
  await refused;
  for (let i = 0; i < 100; i++) job.queue_task(tasks.add(i, 0));
  expect(await job.run_all_tasks()).toHaveLength(100);
  for (const socket of sockets) socket.destroy();
});
