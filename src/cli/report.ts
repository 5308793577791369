/** parjob report: one HTML page of a run, from its status file. */
import { writeFileSync } from 'node:fs';
import { UsageError } from '../errors.js';
import { report_page } from '../watch/report.js';

/**
 * Writes the page to `out`: by default beside the file, as `<file without .status>.html`; with `-` to stdout. Says
 * where. Returns the exit code.
 * @throws StatusFileError (PARJOB_ERR_STATUS_FILE) when the file cannot be read, or is no status file
 * @throws UsageError (PARJOB_ERR_USAGE) when the page cannot be written
 */
export function report_file(file: string, out = `${file.replace(/\.status$/, '')}.html`): number {
  if (out === file)
    throw new UsageError(`report: -o names the status file itself, ${out}: name a file for the page`);
  const page = report_page(file, (text) => console.error(`parjob: ${text}`));
  if (out === '-') {
    process.stdout.write(page);
    return 0;
  }
  try {
    writeFileSync(out, page);
  } catch (error) {
    throw new UsageError(`report: ${out} cannot be written: ${(error as Error).message}`);
  }
  console.log(out);
  return 0;
}
