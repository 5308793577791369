/** Gates: tasks of tasks/basic.js that wait until a test lets them go. They run in this process, on fake slaves. */
import { is_awaited, open } from '../tasks/basic.js';
import { wait_until } from './wait_until.js';

/** Lets the task `wait_for(name)` return `value`, as soon as it runs. */
export async function let_go(name: string, value: unknown = name): Promise<void> {
  await wait_until(() => open(name, value), `a task that waits for ${name}`);
}

/** Resolves when the task `wait_for(name)` runs. */
export async function is_waiting(name: string): Promise<void> {
  await wait_until(() => is_awaited(name), `a task that waits for ${name}`);
}
