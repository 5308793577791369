/** What Progress shows, as lines of text: the live view, the plain line, the summaries. No terminal here. */
import { dirname, relative } from 'node:path';
import { bytes_text, count_text, percent_text, plural, rate_text, time_text } from './format.js';
import type { RunModel } from './run_model.js';
import { foreign, type Piece, type ScreenLine, type Style, width_of } from './screen_line.js';
import type { SlaveLine } from './slave_line.js';

const BAR_COLUMNS = 24;
/** Below this a bar is more in the way than of use. */
const BAR_MIN_COLUMNS = 72;

const STATE_STYLES: Readonly<Record<string, Style>> = {
  running_task: 'green',
  running_cmd: 'green',
  connected: 'cyan',
  dead: 'red',
  stopped: 'dim',
  stopping: 'dim',
};

/** The live view, in at most `rows` lines. */
export function live_lines(
  model: RunModel,
  jobname: string,
  size: { columns: number; rows: number },
): ScreenLine[] {
  const lines: ScreenLine[] = [head_line(model, jobname, size.columns), rate_line(model)];
  const failure = model.failures.at(-1);
  const room = Math.max(0, size.rows - 1 - lines.length - (failure === undefined ? 0 : 1));
  lines.push(...slave_lines(model, room));
  if (failure !== undefined) {
    const what = failure.index === undefined ? '' : ` task ${failure.index}`;
    const ago = time_text(Math.max(0, model.clock.now() - failure.at));
    lines.push([['last failure', 'red'], `${what}, ${ago} ago: `, foreign(failure.text)]);
  }
  return lines.slice(0, Math.max(1, size.rows - 1));
}

/** One line for a file or a pipe. */
export function plain_text(model: RunModel, jobname: string): string {
  return [...counts_pieces(model, jobname), ', ', ...rate_line(model)].map(text_of).join('');
}

function text_of(piece: Piece): string {
  return typeof piece === 'string' ? piece : piece[0];
}

function head_line(model: RunModel, jobname: string, columns: number): ScreenLine {
  const pieces = counts_pieces(model, jobname);
  const share = share_done(model);
  if (share === undefined || columns < BAR_MIN_COLUMNS) return pieces;
  const taken = pieces.reduce((sum, piece) => sum + width_of(text_of(piece)), 0);
  const full = Math.round(share * BAR_COLUMNS);
  if (taken + BAR_COLUMNS + 1 > columns) return pieces;
  return [...pieces, ' ', ['█'.repeat(full), 'green'], ['░'.repeat(BAR_COLUMNS - full), 'dim']];
}

/** Share of the tasks that have outcomes; undefined when it is not known how many there are. */
function share_done(model: RunModel): number | undefined {
  const { queued, is_open, waiting = 0 } = model.counts;
  const assigned = model.job.counts?.assigned ?? 0;
  if (queued === undefined || queued === 0 || is_open) return undefined;
  return Math.max(0, Math.min(1, (queued - waiting - assigned) / queued));
}

function counts_pieces(model: RunModel, jobname: string): Piece[] {
  const { queued, waiting, running, done, failed, cancelled, restored, is_open } = model.counts;
  const share = share_done(model);
  const pieces: Piece[] = [
    [jobname, 'bold'],
    share === undefined ? ': ' : `: ${percent_text(share)}, `,
    `${count_text(done + restored)} done`,
  ];
  if (queued !== undefined) pieces.push(` of ${count_text(queued)}${is_open ? ' or more' : ''}`);
  pieces.push(`, ${count_text(running)} running`);
  if (waiting !== undefined) pieces.push(`, ${count_text(waiting)} waiting`);
  if (failed > 0) pieces.push(', ', [`${count_text(failed)} failed`, 'red']);
  if (cancelled > 0) pieces.push(', ', [`${count_text(cancelled)} cancelled`, 'yellow']);
  return pieces;
}

function rate_line(model: RunModel): ScreenLine {
  const pieces: Piece[] = [];
  if (model.counts.done > 0) pieces.push(`${rate_text(model.rate)}, `);
  pieces.push(`${time_text(model.elapsed)} gone`);
  const left = model.time_left;
  if (left !== undefined && left.ms > 0 && !model.has_finished)
    pieces.push(`, about ${time_text(left.ms)} ± ${time_text(left.spread_ms)} left`);
  if (model.benched_hosts.length > 0)
    pieces.push(', ', [`benched: ${model.benched_hosts.join(', ')}`, 'yellow']);
  return pieces;
}

function slave_lines(model: RunModel, room: number): ScreenLine[] {
  const { slaves } = model;
  if (room <= 0 || slaves.length === 0) return [];
  const is_all = slaves.length <= room;
  const shown = is_all ? slaves : worth_showing(slaves, room - 1);
  const lines = shown.map((line) => slave_line(line, model.clock.now(), name_width(shown)));
  if (is_all) return lines;
  const hidden = new Map<string, number>();
  for (const line of slaves)
    if (!shown.includes(line)) hidden.set(line.state, (hidden.get(line.state) ?? 0) + 1);
  const states = [...hidden].map(([state, count]) => `${count} ${state}`).join(', ');
  lines.push([[`  and ${slaves.length - shown.length} more slaves: ${states}`, 'dim']]);
  return lines;
}

/** Those of whom something can be said, in the order of the list. */
function worth_showing(slaves: readonly SlaveLine[], room: number): readonly SlaveLine[] {
  const ranked = [...slaves].sort((a, b) => rank_of(a) - rank_of(b) || a.slave_id - b.slave_id);
  return ranked.slice(0, Math.max(0, room)).sort((a, b) => a.slave_id - b.slave_id);
}

function rank_of({ state }: SlaveLine): number {
  const order = ['dead', 'running_task', 'running_cmd', 'started', 'stopping', 'created', 'connected'];
  const rank = order.indexOf(state);
  return rank === -1 ? order.length : rank;
}

function name_width(shown: readonly SlaveLine[]): number {
  return Math.min(32, Math.max(0, ...shown.map(({ name }) => name.length)));
}

function slave_line(line: SlaveLine, now: number, width: number): ScreenLine {
  const { name, state, host, vitals, cpu, running, last_error } = line;
  const pieces: Piece[] = [
    '  ',
    foreign(name.padEnd(width)),
    ' ',
    [state.padEnd('running_task'.length), STATE_STYLES[state] ?? 'yellow'],
  ];
  if (running !== undefined)
    pieces.push(
      ` task ${running.task.index ?? '(run_task)'} `,
      foreign(running.task.name),
      ` for ${time_text(now - running.since)}`,
    );
  pieces.push(` ${plural(line.done, 'task')} done`);
  if (line.failed > 0) pieces.push(', ', [`${line.failed} failed`, 'red']);
  if (cpu !== undefined) pieces.push(`, ${Math.round(cpu * 100)} % CPU`);
  if (vitals !== undefined) pieces.push(`, ${bytes_text(vitals.rss)}`);
  if (vitals !== undefined && vitals.stalled > 1000)
    pieces.push(', ', [`busy for ${time_text(vitals.stalled)}`, 'yellow']);
  pieces.push(', ', foreign(host));
  if (last_error !== undefined && !line.is_connected) pieces.push(': ', foreign(last_error.message, 'red'));
  return pieces;
}

/** Said once, when it is known which slaves have started. */
export function start_summary(model: RunModel, jobname: string): string {
  const { slaves } = model;
  const ready = slaves.filter(({ is_connected }) => is_connected).length;
  const hosts = new Set(slaves.filter(({ is_connected }) => is_connected).map(({ host }) => host));
  const on = hosts.size > 1 ? ` on ${plural(hosts.size, 'machine')}` : '';
  return `${jobname}: ${ready} of ${plural(slaves.length, 'slave')} ready${on} after ${time_text(model.clock.now() - model.started_at)}; ${logs_text(slaves)}`;
}

/** Said at the end. */
export function end_summary(model: RunModel, jobname: string): string[] {
  const { done, failed, cancelled, restored, retried } = model.counts;
  const { times, slaves, failure_counts } = model;
  const ended = done + failed + cancelled;
  const outcomes = [`${count_text(done)} done`];
  if (failed > 0) outcomes.push(`${count_text(failed)} failed`);
  if (cancelled > 0) outcomes.push(`${count_text(cancelled)} cancelled`);
  if (restored > 0) outcomes.push(`${count_text(restored)} taken from the status file`);
  if (retried > 0) outcomes.push(plural(retried, 'further attempt'));
  const had = `${model.most_connected} of ${plural(slaves.length, 'slave')}`;
  const lines = [
    `${jobname}: ${plural(ended, 'task')} in ${time_text(model.elapsed)} by ${had}: ${outcomes.join(', ')}`,
  ];
  if (times.count > 0) {
    const rate = model.elapsed > 0 ? (ended * 1000) / model.elapsed : 0;
    const parts = [
      `speed-up ${model.speed_up.toFixed(1)}`,
      `efficiency ${percent_text(model.efficiency)}`,
      rate_text(rate),
      `a task took ${time_text(times.quantile(0.5))} (median), ${time_text(times.longest)} at most`,
    ];
    lines.push(`  ${parts.join(', ')}`);
  }
  const kinds = Object.entries(failure_counts).filter(([, count]) => count > 0);
  if (kinds.length > 0)
    lines.push(`  failures: ${kinds.map(([kind, count]) => `${count} ${kind}`).join(', ')}`);
  lines.push(`  ${logs_text(slaves)}`);
  return lines;
}

function logs_text(slaves: readonly SlaveLine[]): string {
  const files = slaves.map(({ slave }) => slave.log_file).filter((file) => file !== undefined);
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
