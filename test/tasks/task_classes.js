/** Task classes for tests that start no process, and what can be wrong with one. */
import { current_task, Task } from '../../src/task.js';

/** @extends {Task<[n: number], number>} */
export class Square extends Task {
  static module = import.meta.url;
  /** @param {number} n */
  run(n) {
    return n * n;
  }
}

/** @extends {Task<[], { index: number | undefined, attempt: number, slave: string }>} */
export class WhoAmI extends Task {
  static module = import.meta.url;
  run() {
    const { index, attempt, slave } = current_task();
    return { index, attempt, slave };
  }
}

/** @extends {Task<[total: number], void>} */
export class ReportProgress extends Task {
  static module = import.meta.url;
  /** @param {number} total */
  run(total) {
    for (let done = 1; done <= total; done++) current_task().report_progress(done, total);
  }
}

/** Ends when it is aborted. @extends {Task<[], never>} */
export class UntilAborted extends Task {
  static module = import.meta.url;
  run() {
    const { signal } = current_task();
    return new Promise((_, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason));
    });
  }
}

/** @extends {Task<[], void>} */
class NotExported extends Task {
  static module = import.meta.url;
  run() {}
}

export const make_not_exported = () => new NotExported();
