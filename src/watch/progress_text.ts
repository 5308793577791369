/**
 * What Progress and `parjob top` show, as lines of text: the live view, the plain line, the summaries. It is made
 * of a snapshot, and knows no terminal.
 */
import { dirname, relative } from 'node:path';
import { bytes_text, count_text, percent_text, plain_line, plural, rate_text, time_text } from './format.js';
import { foreign, type Piece, type ScreenLine, type Style, width_of } from './screen_line.js';
import type { Overview, SlaveRow, Snapshot } from './snapshot.js';

const BAR_COLUMNS = 24;
/** Below this a bar is more in the way than of use. */
const BAR_MIN_COLUMNS = 72;
/** ms */
const STALL_WORTH_TELLING = 1000;

const STATE_STYLES: Readonly<Record<string, Style>> = {
  running_task: 'green',
  running_cmd: 'green',
  connected: 'cyan',
  dead: 'red',
  stopped: 'dim',
  stopping: 'dim',
};

/** The live view, in at most `rows` lines. */
export function live_lines(snapshot: Snapshot, size: { columns: number; rows: number }): ScreenLine[] {
  const { overview } = snapshot;
  const lines: ScreenLine[] = [head_line(snapshot, size.columns), rate_line(overview)];
  const failure = overview.failures.at(-1);
  const room = Math.max(0, size.rows - 1 - lines.length - (failure === undefined ? 0 : 1));
  lines.push(...slave_lines(snapshot, room));
  if (failure !== undefined) {
    const what = failure.index === undefined ? '' : ` task ${failure.index}`;
    const ago = time_text(Math.max(0, overview.now - failure.at));
    lines.push([['last failure', 'red'], `${what}, ${ago} ago: `, foreign(failure.text)]);
  }
  return lines.slice(0, Math.max(1, size.rows - 1));
}

/** One line for a file or a pipe. */
export function plain_text(snapshot: Snapshot): string {
  return [...counts_pieces(snapshot), ', ', ...rate_line(snapshot.overview)].map(text_of).join('');
}

function text_of(piece: Piece): string {
  return typeof piece === 'string' ? piece : piece[0];
}

function head_line(snapshot: Snapshot, columns: number): ScreenLine {
  const pieces = counts_pieces(snapshot);
  const share = share_done(snapshot.overview);
  if (share === undefined || columns < BAR_MIN_COLUMNS) return pieces;
  const taken = pieces.reduce((sum, piece) => sum + width_of(text_of(piece)), 0);
  const full = Math.round(share * BAR_COLUMNS);
  if (taken + BAR_COLUMNS + 1 > columns) return pieces;
  return [...pieces, ' ', ['█'.repeat(full), 'green'], ['░'.repeat(BAR_COLUMNS - full), 'dim']];
}

/** Share of the tasks that have outcomes; undefined when it is not known how many there are. */
function share_done({ counts }: Overview): number | undefined {
  const { queued, waiting, assigned, is_open } = counts;
  if (queued === undefined || waiting === undefined || assigned === undefined) return undefined;
  if (queued === 0 || is_open) return undefined;
  return Math.max(0, Math.min(1, (queued - waiting - assigned) / queued));
}

function counts_pieces({ jobname, overview }: Snapshot): Piece[] {
  const {
    queued,
    queued_at_least = 0,
    waiting,
    running,
    done,
    failed,
    cancelled,
    restored,
    is_open,
  } = overview.counts;
  const share = share_done(overview);
  const pieces: Piece[] = [
    foreign(jobname, 'bold'),
    share === undefined ? ': ' : `: ${percent_text(share)}, `,
    `${count_text(done + restored)} done`,
  ];
  if (queued !== undefined && queued > 0)
    pieces.push(` of ${count_text(queued)}${is_open ? ' or more' : ''}`);
  if (queued === undefined)
    pieces.push(
      queued_at_least > 0 ? ` of ${count_text(queued_at_least)} or more` : ' of a number not known',
    );
  pieces.push(`, ${count_text(running)} running`);
  if (waiting !== undefined) pieces.push(`, ${count_text(waiting)} waiting`);
  if (failed > 0) pieces.push(', ', [`${count_text(failed)} failed`, 'red']);
  if (cancelled > 0) pieces.push(', ', [`${count_text(cancelled)} cancelled`, 'yellow']);
  return pieces;
}

function rate_line({ counts, rate, elapsed, time_left, standing, benched_hosts }: Overview): ScreenLine {
  const pieces: Piece[] = [];
  if (counts.done > 0) pieces.push(`${rate_text(rate)}, `);
  pieces.push(`${time_text(elapsed)} gone`);
  if (time_left !== undefined && time_left.ms > 0 && standing === 'running')
    pieces.push(`, about ${time_text(time_left.ms)} ± ${time_text(time_left.spread_ms)} left`);
  if (benched_hosts.length > 0) pieces.push(', ', foreign(`benched: ${benched_hosts.join(', ')}`, 'yellow'));
  return pieces;
}

function slave_lines({ overview, slaves }: Snapshot, room: number): ScreenLine[] {
  const { rows, total } = slaves;
  if (room <= 0 || rows.length === 0) return [];
  const is_all = total <= room && rows.length === total;
  const shown = is_all ? rows : worth_showing(rows, room - 1);
  const width = name_width(shown);
  const lines = shown.map((row) => slave_line(row, width));
  if (is_all) return lines;
  const hidden = new Map<string, number>(Object.entries(overview.states));
  for (const { state } of shown) hidden.set(state, (hidden.get(state) ?? 0) - 1);
  const states = [...hidden].filter(([, count]) => count > 0).map(([state, count]) => `${count} ${state}`);
  lines.push([[`  and ${total - shown.length} more slaves: ${states.join(', ')}`, 'dim']]);
  return lines;
}

/** Those of whom something can be said, in the order of the list. */
function worth_showing(slaves: readonly SlaveRow[], room: number): readonly SlaveRow[] {
  const ranked = [...slaves].sort((a, b) => rank_of(a) - rank_of(b) || a.slave_id - b.slave_id);
  return ranked.slice(0, Math.max(0, room)).sort((a, b) => a.slave_id - b.slave_id);
}

function rank_of({ state }: SlaveRow): number {
  const order = ['dead', 'running_task', 'running_cmd', 'started', 'stopping', 'created', 'connected'];
  const rank = order.indexOf(state);
  return rank === -1 ? order.length : rank;
}

function name_width(shown: readonly SlaveRow[]): number {
  return Math.min(32, Math.max(0, ...shown.map(({ name }) => name.length)));
}

function slave_line(row: SlaveRow, width: number): ScreenLine {
  const { name, state, host, rss, stalled = 0, cpu, running, error } = row;
  const pieces: Piece[] = [
    '  ',
    foreign(name.padEnd(width)),
    ' ',
    [state.padEnd('running_task'.length), STATE_STYLES[state] ?? 'yellow'],
  ];
  if (running !== undefined)
    pieces.push(
      ` task ${running.index ?? '(run_task)'} `,
      foreign(running.name),
      ` for ${time_text(running.ms)}`,
    );
  pieces.push(` ${plural(row.done, 'task')} done`);
  if (row.failed > 0) pieces.push(', ', [`${row.failed} failed`, 'red']);
  if (cpu !== undefined) pieces.push(`, ${Math.round(cpu * 100)} % CPU`);
  if (rss !== undefined) pieces.push(`, ${bytes_text(rss)}`);
  if (stalled > STALL_WORTH_TELLING) pieces.push(', ', [`busy for ${time_text(stalled)}`, 'yellow']);
  pieces.push(', ', foreign(host));
  if (error !== undefined && !row.is_connected) pieces.push(': ', foreign(error, 'red'));
  return pieces;
}

/** Said once, when it is known which slaves have started. */
export function start_summary({ jobname, overview, slaves }: Snapshot): string {
  const connected = slaves.rows.filter(({ is_connected }) => is_connected);
  const hosts = new Set(connected.map(({ host }) => host));
  const on = hosts.size > 1 ? ` on ${plural(hosts.size, 'machine')}` : '';
  const time = time_text(overview.now - overview.started_at);
  return `${plain_line(jobname)}: ${connected.length} of ${plural(slaves.total, 'slave')} ready${on} after ${time}; ${logs_text(slaves.rows)}`;
}

/** Said at the end. */
export function end_summary({ jobname, overview, slaves }: Snapshot): string[] {
  const { counts, times, elapsed, most_connected, speed_up, efficiency, failure_counts } = overview;
  const { done, failed, cancelled, restored, retried } = counts;
  const ended = done + failed + cancelled;
  const outcomes = [`${count_text(done)} done`];
  if (failed > 0) outcomes.push(`${count_text(failed)} failed`);
  if (cancelled > 0) outcomes.push(`${count_text(cancelled)} cancelled`);
  if (restored > 0) outcomes.push(`${count_text(restored)} taken from the status file`);
  if (retried > 0) outcomes.push(plural(retried, 'further attempt'));
  const had = `${most_connected} of ${plural(slaves.total, 'slave')}`;
  const lines = [
    `${plain_line(jobname)}: ${plural(ended, 'task')} in ${time_text(elapsed)} by ${had}: ${outcomes.join(', ')}`,
  ];
  if (times.count > 0) {
    const rate = elapsed > 0 ? (ended * 1000) / elapsed : 0;
    const parts = [
      `speed-up ${speed_up.toFixed(1)}`,
      `efficiency ${percent_text(efficiency)}`,
      rate_text(rate),
      `a task took ${time_text(times.median)} (median), ${time_text(times.longest)} at most`,
    ];
    lines.push(`  ${parts.join(', ')}`);
  }
  const kinds = Object.entries(failure_counts).filter(([, count]) => count > 0);
  if (kinds.length > 0)
    lines.push(`  failures: ${kinds.map(([kind, count]) => `${count} ${kind}`).join(', ')}`);
  lines.push(`  ${logs_text(slaves.rows)}`);
  return lines;
}

function logs_text(slaves: readonly SlaveRow[]): string {
  const files = slaves.map(({ log_file }) => log_file).filter((file) => file !== undefined);
  const [first] = files;
  if (first === undefined) return 'no logs: no slave was started';
  const short = (file: string) => {
    const here = relative(process.cwd(), file);
    return here.startsWith('..') ? file : here;
  };
  if (files.length === 1) return `log: ${short(first)}`;
  const folders = new Set(files.map((file) => dirname(file)));
  if (folders.size === 1)
    return `logs: ${short(first).replace(/\d+$/, '')}*, ${plural(files.length, 'file')}`;
  return `logs: ${files.slice(0, 3).map(short).join(', ')}${files.length > 3 ? ' ...' : ''}`;
}
