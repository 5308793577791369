/** The overview: counts, what is left, throughput and queue over time, what went wrong last. */
import { html } from '/lib/lit-html.js';
import UPlot from '/lib/uplot.js';
import { colour, count_text, moment_text, time_text } from './format.js';
import { has_tasks } from './sections.js';

/** Plots are made once and moved into the view that is drawn. */
const plots = new Map();

function plot(name, title, labels, points, epoch) {
  const theme = matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light';
  let made = plots.get(name);
  if (made === undefined || made.theme !== theme) {
    const holder = document.createElement('div');
    holder.setAttribute('role', 'img');
    holder.setAttribute('aria-label', title);
    const strokes = [colour('fill'), colour('faint')];
    const axis = {
      stroke: colour('faint'),
      grid: { stroke: colour('line'), width: 1 },
      ticks: { stroke: colour('line'), width: 1 },
    };
    const moments = {
      ...axis,
      space: 70,
      size: 34,
      values: (_, splits) => splits.map((at) => moment_text(at * 1000, (splits.at(-1) - splits[0]) * 1000)),
    };
    const options = {
      title,
      width: 480,
      height: 220,
      scales: { y: { range: (_, _least, most) => [0, most > 0 ? most * 1.05 : 1] } },
      series: [
        { value: (_, at) => (at === null ? '--' : moment_text(at * 1000, 0)) },
        ...labels.map((label, i) => ({ label, stroke: strokes[i], width: 1.5 })),
      ],
      axes: [
        moments,
        { ...axis, values: (_, splits) => splits.map((at) => (at < 1000 ? at : count_text(at))) },
      ],
    };
    made = { theme, holder, chart: new UPlot(options, [[], ...labels.map(() => [])], holder) };
    plots.set(name, made);
  }
  const [first] = points;
  made.chart.setData([first.at.map((at) => (epoch + at) / 1000), ...points.map(({ values }) => values)]);
  const width = made.holder.parentElement?.clientWidth;
  if (width > 0 && width !== made.chart.width) made.chart.setSize({ width, height: 220 });
  return html`<div>${made.holder}</div>`;
}

function facts(pairs) {
  return html`<dl class="facts">
    ${pairs.filter(([, value]) => value !== undefined).map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}
  </dl>`;
}

export function overview_view({ state }) {
  const { overview, series, sections } = state;
  if (overview === undefined) return html`<p>Waiting for the job ...</p>`;
  const { states, failure_counts, benched_hosts, failures } = overview;
  const wrong = Object.entries(failure_counts).filter(([, count]) => count > 0);
  const epoch = overview.epoch + overview.started_at;
  // the clock of a file stands still with its run
  const is_over = state.is_file && overview.standing !== 'running';
  const with_tasks = has_tasks(state);
  const failed = sections?.rows.filter((each) => each.state === 'failed') ?? [];
  return html`${sections === undefined ? '' : section_facts(sections, overview)}
  ${with_tasks ? task_facts(overview) : ''}
    <p>Slaves: ${Object.keys(states).length === 0 ? 'none' : Object.entries(states).map(([word, count], i) => html`${i > 0 ? ', ' : ''}<span class=${word}>${count} ${word}</span>`)}${benched_hosts.length > 0 ? html`; benched: ${benched_hosts.join(', ')}` : ''}</p>
    ${
      series === undefined || !with_tasks
        ? ''
        : html`<div class="plots">
            ${plot('throughput', 'Throughput, tasks per second', ['tasks per second'], [series.throughput], epoch)}
            ${
              series.waiting === undefined
                ? plot('running', 'Tasks that run', ['running'], [series.running], epoch)
                : plot(
                    'queue',
                    'Tasks that run and wait',
                    ['running', 'waiting'],
                    [series.running, same_length(series.waiting, series.running)],
                    epoch,
                  )
            }
          </div>`
    }
    <h2>What went wrong</h2>
    ${wrong.length > 0 ? html`<p>${wrong.map(([kind, count]) => `${count} ${kind}`).join(', ')}</p>` : ''}
    ${
      failed.length === 0
        ? ''
        : html`<p>${count_text(sections.counts.failed)} failed: ${failed.slice(0, 20).map(({ id }, i) => html`${i > 0 ? ', ' : ''}<a href="#sections/${encodeURIComponent(id)}">section ${id}</a>`)}${sections.counts.failed > 20 ? ', ...' : ''}</p>`
    }
    ${
      failures.length === 0
        ? html`<p class="faint">${failed.length === 0 ? 'Nothing.' : ''}</p>`
        : html`<div class="wide"><table class="stacked">
            <tbody>${failures.toReversed().map(
              (each) => html`<tr>
                <td>${time_text(overview.now - each.at)} ${is_over ? 'before the end' : 'ago'}</td>
                <td>${each.index === undefined ? each.kind : html`<a href="#tasks/${each.index}">task ${each.index}</a>`}</td>
                <td>${each.slave}</td>
                <td class="long">${each.text}</td>
              </tr>`,
            )}</tbody></table></div>`
    }`;
}

/** What a run of sections has come to. */
function section_facts({ total, counts }, { elapsed }) {
  return facts([
    ['sections', count_text(total)],
    ...['todo', 'sent', 'running', 'finished', 'collected', 'failed'].map((word) => [
      word,
      counts[word] > 0 ? html`<span class=${word}>${count_text(counts[word])}</span>` : undefined,
    ]),
    ['gone', time_text(elapsed)],
  ]);
}

function task_facts(overview) {
  const { counts, time_left, times } = overview;
  return facts([
    ['done', count_text(counts.done + counts.restored)],
    ['of', total_text(counts)],
    ['running', count_text(counts.running)],
    ['waiting', counts.waiting === undefined ? 'not known' : count_text(counts.waiting)],
    ['failed', count_text(counts.failed)],
    ['cancelled', counts.cancelled > 0 ? count_text(counts.cancelled) : undefined],
    ['further attempts', counts.retried > 0 ? count_text(counts.retried) : undefined],
    ['tasks per second', overview.rate < 10 ? overview.rate.toFixed(1) : count_text(overview.rate)],
    ['gone', time_text(overview.elapsed)],
    [
      'left, about',
      time_left && time_left.ms > 0
        ? `${time_text(time_left.ms)} ± ${time_text(time_left.spread_ms)}`
        : undefined,
    ],
    ['speed-up', overview.speed_up.toFixed(1)],
    ['efficiency', `${Math.floor(overview.efficiency * 100)} %`],
    ['time of a task', times.count > 0 ? time_text(times.median) : undefined],
    ['95 % within', times.count > 0 ? time_text(times.high) : undefined],
  ]);
}

/** How many tasks there are, or what is known of that: a status file names a task when it has run. */
function total_text({ queued, queued_at_least = 0, is_open }) {
  if (queued !== undefined) return `${count_text(queued)}${is_open ? ' or more' : ''}`;
  return queued_at_least > 0 ? `not known, ${count_text(queued_at_least)} or more` : 'not known';
}

function same_length(points, { at }) {
  const values = points.values.slice(0, at.length);
  while (values.length < at.length) values.push(values.at(-1) ?? 0);
  return { at, values };
}

let explained;

export function explain_view({ ask, draw }) {
  const look = async () => {
    try {
      explained = (await ask('/api/explain')).text || 'Nothing waits.';
    } catch (error) {
      explained = error.message;
    }
    draw();
  };
  if (explained === undefined) {
    explained = '';
    look();
  }
  return html`<h2>Why tasks wait</h2><pre>${explained}</pre><button @click=${look}>Look again</button>`;
}
