/** The error of a run whose sections did not all come to their end. */
import { ParjobError } from '../errors.js';

/** What is known of a section that failed. */
export interface FailedSection {
  id: string;
  error: string;
  hosts: readonly string[];
  log_file: string | undefined;
}

/** A run of sections ended, and not all of them are done. */
export class SectionFailedError extends ParjobError {
  static {
    this.prototype.name = 'SectionFailedError';
  }
  override readonly code = 'PARJOB_ERR_SECTION';
  readonly sections: readonly FailedSection[];

  constructor(message: string, sections: readonly FailedSection[]) {
    const story = sections.map(({ id, error, hosts, log_file }) => {
      const where = hosts.length === 0 ? '' : ` (on ${hosts.join(', ')})`;
      const log = log_file === undefined ? '' : `\n    log: ${log_file}`;
      return `  section ${id}${where}: ${error.replace(/\n/g, '\n    ')}${log}`;
    });
    super([message, ...story].join('\n'));
    this.sections = sections;
  }
}
