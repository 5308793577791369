/** Threads that run TypeScript. */
import { once } from 'node:events';
import { Worker, type WorkerOptions } from 'node:worker_threads';

/** A thread that runs `module`, beside this one. It ends with this process. */
export function start_thread(module: string, worker_data: object, options: WorkerOptions = {}): Worker {
  return new Worker(new URL('./thread_start.js', import.meta.url), {
    execArgv: [],
    ...options,
    workerData: { ...worker_data, module: new URL(module, import.meta.url).href },
  });
}

/** What the thread answers to a message. */
export async function ask<Answer>(thread: Worker, question: unknown = 'report'): Promise<Answer> {
  thread.postMessage(question);
  const [answer] = (await once(thread, 'message')) as [Answer];
  return answer;
}
