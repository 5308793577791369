/** Gates: tasks of tasks/basic.js that wait until a test lets them go. They run in this process, on fake slaves. */
import { open } from '../tasks/basic.js';
import { wait_until } from './wait_until.js';

/** Lets the task `wait_for(name)` return `value`, as soon as it runs. */
export async function let_go(name: string, value: unknown = name): Promise<void> {
  await wait_until(() => open(name, value), `a task that waits for ${name}`);
}
