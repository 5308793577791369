/** parjob status: how far a run is, by its status file; and a word to the master of a run of sections. */
import { readdirSync } from 'node:fs';
import { StatusFileError, UsageError } from '../errors.js';
import { drain_host, type SectionsStatus, sections_status, set_section } from '../sections/status.js';
import { type ReportData, read_report } from '../watch/report_data.js';

export interface StatusFlags {
  set?: string[];
  drain?: string[];
  release?: string[];
  json?: boolean;
}

/** Failures and deaths that are shown of a run of tasks. */
const MOST_TROUBLES = 10;

/** Returns the exit code. */
export async function status(file: string | undefined, flags: StatusFlags): Promise<number> {
  const found = file ?? the_one_here();
  const { set = [], drain = [], release = [] } = flags;
  if (set.length + drain.length + release.length > 0) return order(found, set, drain, release);
  const sections = read_sections(found);
  if (sections !== undefined) {
    if (flags.json === true) console.log(JSON.stringify(sections));
    else show_sections(sections);
    return sections.counts.failed === 0 ? 0 : 1;
  }
  const report = read_report(found, (text) => console.error(`parjob: ${text}`));
  if (report === undefined) throw new UsageError(`${found} holds nothing: give the path of a status file`);
  if (flags.json === true) console.log(JSON.stringify(summary_of(report)));
  else show_tasks(report);
  return report.counts.failed === 0 ? 0 : 1;
}

function the_one_here(): string {
  const files = readdirSync('.').filter((name) => /\.(status|sections)$/.test(name));
  const [file] = files;
  if (file !== undefined && files.length === 1) return file;
  throw new UsageError(
    files.length === 0
      ? 'there is no status file here (NAME.status, NAME.sections): give the path of one'
      : `there are several status files here: give one of ${files.join(', ')}`,
  );
}

function read_sections(file: string): SectionsStatus | undefined {
  try {
    return sections_status(file);
  } catch (error) {
    const is_other = error instanceof StatusFileError && error.problem === 'not_a_status_file';
    if (is_other) return undefined;
    throw error;
  }
}

function order(file: string, set: string[], drain: string[], release: string[]): number {
  const { sections } = sections_status(file);
  for (const text of set) {
    const [, id = '', state = ''] = /^(.*)=(todo|failed)$/.exec(text) ?? [];
    if (!sections.some((section) => section.id === id)) {
      throw new UsageError(
        `--set takes the id of a section and todo or failed, as in 7=todo; got ${JSON.stringify(text)}`,
      );
    }
    set_section(file, id, state as 'todo' | 'failed');
  }
  for (const host of drain) drain_host(file, host);
  for (const host of release) drain_host(file, host, false);
  console.log('left for the master of that run, which looks four times a second; or for the next one');
  return 0;
}

function show_sections({ jobname, is_finished, sections, counts, hosts }: SectionsStatus): void {
  const states = Object.entries(counts)
    .filter(([, n]) => n > 0)
    .map(([state, n]) => `${n} ${state}`);
  console.log(
    `${jobname}: ${is_finished ? 'finished' : 'not finished'}; ${sections.length} sections: ${states.join(', ')}`,
  );
  print_table(
    ['section', 'state', 'host', 'attempt', 'progress', 'seconds', 'error'],
    sections.map(({ id, state, host, attempt, done, total, run_ms, error }) => [
      id,
      state,
      host ?? '',
      String(attempt),
      done === undefined ? '' : `${done}${total === undefined ? '' : ` of ${total}`}`,
      run_ms === undefined ? '' : (run_ms / 1000).toFixed(1),
      error?.split('\n')[0] ?? '',
    ]),
  );
  for (const { host, state, reason } of hosts)
    if (state !== 'good') console.log(`host ${host} is ${state}${reason === undefined ? '' : `: ${reason}`}`);
}

function summary_of({ jobname, is_finished, counts, troubles }: ReportData): object {
  return { jobname, is_finished, counts, troubles };
}

function show_tasks({ jobname, is_finished, counts, troubles, further_troubles }: ReportData): void {
  const states = Object.entries(counts).map(([state, n]) => `${n} ${state}`);
  console.log(`${jobname}: ${is_finished ? 'finished' : 'not finished'}; tasks: ${states.join(', ')}`);
  for (const { index, name, kind, text } of troubles.slice(0, MOST_TROUBLES))
    console.log(`  task ${index} (${name}) ${kind}: ${text.split('\n')[0]}`);
  const more = troubles.length + further_troubles - MOST_TROUBLES;
  if (more > 0) console.log(`  and ${more} more; parjob report ${jobname}.status shows all`);
}

function print_table(head: string[], rows: string[][]): void {
  const widths = head.map((title, i) => Math.max(title.length, ...rows.map((row) => row[i]?.length ?? 0)));
  for (const row of [head, ...rows])
    console.log(
      row
        .map((cell, i) => cell.padEnd(widths[i] as number))
        .join('  ')
        .trimEnd(),
    );
}
