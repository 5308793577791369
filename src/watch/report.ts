/**
 * Report: a finished run, or one that stopped in the middle, as one HTML page from its status file. The page
 * needs nothing else: no script, no request; light or dark as the reader likes it.
 */
import { count_text, percent_text, plural, rate_text, time_text } from './format.js';
import type { Histogram } from './histogram.js';
import { type ReportData, read_report, type TaskEnd } from './report_data.js';

const WIDTH = 960;
const ROW = 14;
const STYLE = `
:root { color-scheme: light dark; --ink: #1c2330; --faint: #5b6675; --paper: #fff; --line: #d9dee5; --fill: #2f6fb3; --bad: #b3372f; }
@media (prefers-color-scheme: dark) { :root { --ink: #e4e8ee; --faint: #9aa5b4; --paper: #14181f; --line: #323a46; --fill: #6ea8e6; --bad: #ec7b72; } }
body { font: 15px/1.45 system-ui, sans-serif; color: var(--ink); background: var(--paper); max-width: 1000px; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; margin-bottom: .2rem; } h2 { font-size: 1.1rem; margin-top: 2rem; }
p.about, caption, .faint { color: var(--faint); } dl { display: flex; flex-wrap: wrap; gap: .4rem 2.2rem; } dt { color: var(--faint); font-size: .85rem; } dd { margin: 0; font-size: 1.25rem; }
table { border-collapse: collapse; width: 100%; } th, td { text-align: left; padding: .2rem .8rem .2rem 0; border-bottom: 1px solid var(--line); vertical-align: top; overflow-wrap: anywhere; }
td.n, th.n { text-align: right; white-space: nowrap; } div.wide { overflow-x: auto; } svg { max-width: 100%; height: auto; } svg text { fill: var(--faint); font: 11px system-ui, sans-serif; }
.box { fill: var(--fill); } .box.bad { fill: var(--bad); } .grid { stroke: var(--line); } pre { white-space: pre-wrap; font-size: .8rem; } .bad { color: var(--bad); }
`;

/** The page of a status file. @throws StatusFileError (PARJOB_ERR_STATUS_FILE) when it cannot be read */
export function report_page(file: string, on_notice?: (text: string) => void): string {
  const data = read_report(file, on_notice);
  if (data === undefined)
    return page('parjob', `<h1>${text(file)}</h1><p>This status file holds nothing.</p>`);
  return page(`${data.jobname}: report`, body(data));
}

function page(title: string, content: string): string {
  return (
    '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">' +
    '<meta name="viewport" content="width=device-width, initial-scale=1">' +
    `<title>${text(title)}</title><style>${STYLE}</style></head>\n<body>\n${content}\n</body></html>\n`
  );
}

function body(data: ReportData): string {
  const { counts, times } = data;
  const left = counts.queued + counts.assigned;
  const state = data.is_finished
    ? 'finished'
    : `not finished: ${plural(left, 'task')} left of those it names`;
  const program = Object.values(data.program).join(' ');
  const parts = [
    `<h1>${text(data.jobname)}</h1>`,
    `<p class="about">${text(program)}, begun ${text(data.created.toISOString().replace('T', ' ').slice(0, 19))} UTC, ${state}. From ${text(data.file)}.</p>`,
    summary(data),
  ];
  const has_slaves = data.rows.length > 0;
  if (has_slaves) {
    parts.push(`<h2>Timeline</h2>${timeline(data)}`);
    parts.push(`<h2>Slaves at work</h2>${efficiency_plot(data)}`);
  }
  if (times.count > 0) {
    parts.push(`<h2>Times of tasks</h2>${histogram_plot(times)}${functions_table(data)}`);
    parts.push(`<h2>Slowest tasks</h2>${slowest_table(data.slowest)}`);
  }
  if (has_slaves) parts.push(`<h2>Slaves</h2>${slaves_table(data)}`);
  parts.push(`<h2>What went wrong</h2>${troubles_list(data)}`);
  return parts.join('\n');
}

function summary(data: ReportData): string {
  const { counts, times, busy_ms, slave_count } = data;
  const elapsed = data.to - data.from;
  const total = count_text(data.at_least);
  const facts: [string, string][] = [
    ['done', count_text(counts.done)],
    ['of', data.is_finished ? total : `not known, ${total} or more`],
  ];
  if (counts.failed > 0) facts.push(['failed', count_text(counts.failed)]);
  if (counts.cancelled > 0) facts.push(['cancelled', count_text(counts.cancelled)]);
  if (counts.queued + counts.assigned > 0) facts.push(['left', count_text(counts.queued + counts.assigned)]);
  facts.push(['slaves', count_text(slave_count)], ['first start to last end', time_text(elapsed)]);
  if (elapsed > 0 && slave_count > 0) {
    facts.push(['speed-up', (busy_ms / elapsed).toFixed(1)]);
    facts.push(['efficiency', percent_text(Math.min(1, busy_ms / elapsed / Math.max(1, slave_count)))]);
    facts.push(['rate', rate_text((times.count * 1000) / elapsed)]);
  }
  return `<dl>${facts.map(([name, value]) => `<div><dt>${name}</dt><dd>${value}</dd></div>`).join('')}</dl>`;
}

/** A row for each slave: its tasks as boxes or, when they are too many, how busy it was. */
function timeline(data: ReportData): string {
  const { rows, boxes, from, to, columns } = data;
  const label = Math.min(220, 12 + 7 * Math.max(0, ...rows.map(({ name }) => name.length)));
  const plot = WIDTH - label;
  const height = rows.length * ROW + 22;
  const scale = plot / Math.max(1e-9, to - from);
  const marks: string[] = [];
  for (const [i, row] of rows.entries()) {
    const y = i * ROW;
    marks.push(`<text x="0" y="${y + 11}">${text(row.name)}</text>`);
    if (boxes.length > 0) continue;
    for (let column = 0; column < columns; column++) {
      const share = row.busy[column] as number;
      if (share < 0.005) continue;
      const x = (label + (column * plot) / columns).toFixed(1);
      const width = (plot / columns + 0.1).toFixed(1);
      marks.push(
        `<rect class="box" x="${x}" y="${y + 2}" width="${width}" height="${ROW - 4}" opacity="${share.toFixed(2)}"/>`,
      );
    }
  }
  const row_of = new Map(rows.map(({ name }, i) => [name, i]));
  for (const box of boxes) {
    const row = row_of.get(box.slave);
    if (row === undefined) continue;
    const x = (label + (box.start - from) * scale).toFixed(1);
    const width = Math.max(0.6, box.run_ms * scale - 0.4).toFixed(1);
    const title = `task ${box.index} ${box.name}, ${box.has_failed ? 'failed after ' : ''}${time_text(box.run_ms)}`;
    marks.push(
      `<rect class="box${box.has_failed ? ' bad' : ''}" x="${x}" y="${row * ROW + 2}" width="${width}" height="${ROW - 4}"><title>${text(title)}</title></rect>`,
    );
  }
  const further =
    data.further_slaves > 0 ? `<p class="faint">and ${plural(data.further_slaves, 'further slave')}</p>` : '';
  const axis = time_axis(label, plot, rows.length * ROW, to - from);
  return `<div class="wide">${svg(height, 'timeline: a row for each slave', marks.join('') + axis)}</div>${further}`;
}

/** How many slaves ran tasks at a time. */
function efficiency_plot(data: ReportData): string {
  const { rows, columns, from, to } = data;
  const [left, height] = [40, 110];
  const plot = WIDTH - left;
  const sums = Array.from({ length: columns }, (_, i) =>
    rows.reduce((sum, { busy }) => sum + (busy[i] as number), 0),
  );
  const top = Math.max(1, rows.length);
  const points = sums.map(
    (sum, i) =>
      `${(left + ((i + 0.5) * plot) / columns).toFixed(1)},${(height - (sum * height) / top).toFixed(1)}`,
  );
  const area = `<polygon class="box" opacity=".75" points="${left},${height} ${points.join(' ')} ${WIDTH},${height}"/>`;
  const scale = `<text x="0" y="11">${top}</text><text x="0" y="${height}">0</text><line class="grid" x1="${left}" y1="0.5" x2="${WIDTH}" y2="0.5"/>`;
  return svg(
    height + 22,
    'slaves that ran tasks, over time',
    scale + area + time_axis(left, plot, height, to - from),
  );
}

function histogram_plot(times: Histogram): string {
  const bins = times.bins();
  const [left, height] = [60, 130];
  const width = (WIDTH - left) / Math.max(12, bins.length);
  const most = Math.max(1, ...bins.map(({ count }) => count));
  const marks = [`<text x="0" y="11">${count_text(most)}</text>`];
  const every = Math.ceil(bins.length / 9);
  for (const [i, { up_to, count }] of bins.entries()) {
    const tall = (count * height) / most;
    const x = left + i * width;
    marks.push(
      `<rect class="box" x="${x.toFixed(1)}" y="${(height - tall).toFixed(1)}" width="${(width - 1).toFixed(1)}" height="${tall.toFixed(1)}"><title>up to ${time_text(up_to)}: ${count_text(count)}</title></rect>`,
    );
    if (i % every === every - 1)
      marks.push(
        `<text x="${(x + width).toFixed(1)}" y="${height + 14}" text-anchor="middle">${time_text(up_to)}</text>`,
      );
  }
  return svg(height + 20, 'histogram of the times of tasks', marks.join(''));
}

function time_axis(left: number, width: number, y: number, time: number): string {
  const marks = Array.from({ length: 7 }, (_, i) => {
    const x = left + (width * i) / 6;
    const anchor = i === 0 ? 'start' : i === 6 ? 'end' : 'middle';
    return `<text x="${x.toFixed(1)}" y="${y + 15}" text-anchor="${anchor}">${i === 0 ? '0' : time_text((time * i) / 6)}</text>`;
  });
  return `<line class="grid" x1="${left}" y1="${y + 0.5}" x2="${left + width}" y2="${y + 0.5}"/>${marks.join('')}`;
}

function svg(height: number, title: string, marks: string): string {
  return `<svg viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" aria-label="${text(title)}">${marks}</svg>`;
}

type Cell = string | { n: string };

function table(heads: readonly Cell[], rows: readonly (readonly Cell[])[]): string {
  const cell = (tag: string, content: Cell) =>
    typeof content === 'string'
      ? `<${tag}>${text(content)}</${tag}>`
      : `<${tag} class="n">${text(content.n)}</${tag}>`;
  const head = heads.map((each) => cell('th', each)).join('');
  const lines = rows.map((row) => `<tr>${row.map((each) => cell('td', each)).join('')}</tr>`);
  return `<div class="wide"><table><thead><tr>${head}</tr></thead><tbody>${lines.join('\n')}</tbody></table></div>`;
}

function functions_table({ functions }: ReportData): string {
  const heads = ['task', { n: 'done' }, { n: 'median' }, { n: '95 %' }, { n: 'longest' }, { n: 'in all' }];
  return table(
    heads,
    functions.map(({ name, times }) => [
      name,
      { n: count_text(times.count) },
      { n: time_text(times.quantile(0.5)) },
      { n: time_text(times.quantile(0.95)) },
      { n: time_text(times.longest) },
      { n: time_text(times.sum) },
    ]),
  );
}

function slowest_table(slowest: readonly TaskEnd[]): string {
  return table(
    [{ n: 'task' }, 'name', 'slave', { n: 'attempt' }, { n: 'time' }],
    slowest.map(({ index, name, slave, attempt, run_ms }) => [
      { n: String(index) },
      name,
      slave,
      { n: String(attempt) },
      { n: time_text(run_ms) },
    ]),
  );
}

function slaves_table({ rows, from, to }: ReportData): string {
  const elapsed = Math.max(1e-9, to - from);
  return table(
    ['slave', { n: 'tasks' }, { n: 'busy' }, { n: 'share of the time' }],
    rows.map(({ name, tasks, busy_ms }) => [
      name,
      { n: count_text(tasks) },
      { n: time_text(busy_ms) },
      { n: percent_text(Math.min(1, busy_ms / elapsed)) },
    ]),
  );
}

function troubles_list({ troubles, further_troubles }: ReportData): string {
  if (troubles.length === 0) return '<p>Nothing.</p>';
  const lines = troubles.map(({ index, name, slave, attempt, at, kind, text: said, stack }) => {
    const where = slave === undefined ? '' : ` on ${slave}`;
    const head = `task ${index} (${name}) ${kind} in attempt ${attempt}${where}, ${time_text(at)} after the start`;
    const more =
      stack === undefined || stack === ''
        ? ''
        : `<details><summary>stack</summary><pre>${text(stack)}</pre></details>`;
    return `<li><span class="bad">${text(head)}</span><br>${text(said)}${more}</li>`;
  });
  const further = further_troubles > 0 ? `<p class="faint">and ${count_text(further_troubles)} more</p>` : '';
  return `<ul>${lines.join('\n')}</ul>${further}`;
}

/** As text of HTML: nothing in it is markup. */
function text(raw: string): string {
  return raw
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;');
}
