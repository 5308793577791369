/** The overview: counts, what is left, throughput and queue over time, what went wrong last. */
import { html } from '/lib/lit-html.js';
import UPlot from '/lib/uplot.js';
import { colour, count_text, time_text } from './format.js';

/** Plots are made once and moved into the view that is drawn. */
const plots = new Map();

function plot(name, title, labels, points, epoch) {
  const theme = matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light';
  let made = plots.get(name);
  if (made === undefined || made.theme !== theme) {
    const holder = document.createElement('div');
    holder.setAttribute('role', 'img');
    holder.setAttribute('aria-label', title);
    const strokes = [colour('fill'), colour('bad')];
    const axis = {
      stroke: colour('faint'),
      grid: { stroke: colour('line') },
      ticks: { stroke: colour('line') },
    };
    const options = {
      title,
      width: 480,
      height: 220,
      series: [{}, ...labels.map((label, i) => ({ label, stroke: strokes[i], width: 1.5 }))],
      axes: [axis, axis],
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
  const { overview, series } = state;
  if (overview === undefined) return html`<p>Waiting for the job ...</p>`;
  const { counts, states, failure_counts, time_left, times, benched_hosts, failures } = overview;
  const wrong = Object.entries(failure_counts).filter(([, count]) => count > 0);
  const epoch = overview.epoch + overview.started_at;
  // the clock of a file stands still with its run
  const is_over = state.is_file && overview.standing !== 'running';
  return html`${facts([
    ['done', count_text(counts.done + counts.restored)],
    [
      'of',
      counts.queued === undefined
        ? undefined
        : `${count_text(counts.queued)}${counts.is_open ? ' or more' : ''}`,
    ],
    ['running', count_text(counts.running)],
    ['waiting', counts.waiting === undefined ? undefined : count_text(counts.waiting)],
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
  ])}
    <p>Slaves: ${Object.entries(states).map(([word, count], i) => html`${i > 0 ? ', ' : ''}<span class=${word}>${count} ${word}</span>`)}${benched_hosts.length > 0 ? html`; benched: ${benched_hosts.join(', ')}` : ''}</p>
    ${
      series === undefined
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
      failures.length === 0
        ? html`<p class="faint">Nothing.</p>`
        : html`<div class="wide"><table>
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
