/** parjob status: how far a run is, by its status file; and a word to the master of a run of sections. */
import { readdirSync } from 'node:fs';
import { StatusFileError, UsageError } from '../errors.js';
import { drain_host, type SectionsStatus, sections_status, set_section } from '../sections/status.js';
import { is_held } from '../watch/file_run.js';
import { plain_line, plural } from '../watch/format.js';
import { type ReportData, read_report } from '../watch/report_data.js';
import { render_line, width_of } from '../watch/screen_line.js';

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
    else show_sections(sections, standing_of(found, sections.is_finished));
    return sections.counts.failed === 0 ? 0 : 1;
  }
  const report = read_report(found, (text) => console.error(`parjob: ${text}`));
  if (report === undefined) throw new UsageError(`${found} holds nothing: give the path of a status file`);
  if (flags.json === true) console.log(JSON.stringify(summary_of(report)));
  else show_tasks(report, standing_of(found, report.is_finished));
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

function standing_of(file: string, is_finished: boolean): string {
  if (is_held(file)) return 'running';
  return is_finished ? 'finished' : 'broken off, restart goes on with it';
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
  const { sections, hosts } = sections_status(file);
  const is_running = is_held(file);
  const wanted = set.map((text) => {
    const [, id = '', state = ''] = /^(.*)=(todo|failed)$/s.exec(text) ?? [];
    if (state === '')
      throw new UsageError(
        `--set takes the id of a section and todo or failed, as in 7=todo; got ${JSON.stringify(text)}`,
      );
    const section = sections.find((other) => other.id === id);
    if (section === undefined) throw new UsageError(`--set ${text}: ${file} has no section ${id}`);
    if (section.state === 'collected' && is_running)
      throw new UsageError(
        `--set ${text}: the outputs of section ${id} are in the whole already, which a master that runs does not make anew; ` +
          'end it, set the section, and go on with restart',
      );
    return { id, state: state as 'todo' | 'failed' };
  });
  // all or nothing: each was looked at before
  for (const { id, state } of wanted) set_section(file, id, state);
  for (const host of [...drain, ...release])
    if (!hosts.some((other) => other.host === host))
      console.error(`parjob: ${file} knows no host ${host} yet; it counts when one of that name comes`);
  for (const host of drain) drain_host(file, host);
  for (const host of release) drain_host(file, host, false);
  console.log(
    is_running
      ? 'left for the master of that run, which looks four times a second'
      : 'no master has that run: left for the next one, which goes on with restart',
  );
  return 0;
}

function show_sections({ jobname, sections, counts, hosts }: SectionsStatus, standing: string): void {
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
    if (state !== 'good')
      print_line(plain_line(`host ${host} is ${state}${reason === undefined ? '' : `: ${reason}`}`));
  // last, where it is seen however long the table is, and whole
  console.log(`${plain_line(jobname)}: ${standing}; ${plural(sections.length, 'section')}${totals(counts)}`);
}

/** `: 4 todo, 2 running`; nothing when there is none of any. */
function totals(counts: Readonly<Record<string, number>>): string {
  const states = Object.entries(counts).filter(([, n]) => n > 0);
  return states.length === 0 ? '' : `: ${states.map(([state, n]) => `${n} ${state}`).join(', ')}`;
}

function summary_of({ jobname, is_finished, counts, troubles }: ReportData): object {
  return { jobname, is_finished, counts, troubles };
}

function show_tasks({ jobname, counts, troubles, further_troubles }: ReportData, standing: string): void {
  print_line(`${plain_line(jobname)}: ${standing}; tasks${totals(counts)}`);
  for (const { index, name, kind, text } of troubles.slice(0, MOST_TROUBLES))
    print_line(`  ${plain_line(`task ${index} (${name}) ${kind}: ${text.split('\n')[0]}`)}`);
  const more = troubles.length + further_troubles - MOST_TROUBLES;
  if (more > 0) print_line(`  and ${more} more; parjob report ${jobname}.status shows all`);
}

function print_table(head: string[], rows: string[][]): void {
  const plain = [head, ...rows.map((row) => row.map(plain_line))];
  const widths = head.map((_, i) =>
    plain.reduce((most, row) => Math.max(most, width_of(row[i] as string)), 0),
  );
  for (const row of plain)
    print_line(row.map((cell, i) => cell + ' '.repeat((widths[i] as number) - width_of(cell))).join('  '));
}

/** Cut to the width of a terminal; whole in a pipe. */
function print_line(text: string): void {
  // a terminal that does not know its width says 0
  const columns = (process.stdout.isTTY && process.stdout.columns) || Infinity;
  console.log(render_line([text.trimEnd()], columns, false));
}
