/** Task classes, and what is wrong with some. */
import { Task } from 'parjob';

/** @extends {Task<[code: string, seed: number], { code: string, seed: number }>} */
export class BuildModel extends Task {
  static module = import.meta.url;
  /** @param {string} code @param {number} seed */
  run(code, seed) {
    return { code, seed };
  }
}

/** @extends {Task<[], void>} */
class NotExported extends Task {
  static module = import.meta.url;
  run() {}
}

export const make_not_exported = () => new NotExported();
