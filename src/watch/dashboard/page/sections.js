/** The sections of a run of sections, and the files that are cut into them or made of them. */
import { html } from '/lib/lit-html.js';
import { bytes_text, count_text, time_text } from './format.js';

const STATES = ['todo', 'sent', 'running', 'finished', 'collected', 'failed'];
const PIECES = ['present', 'staging', 'stale', 'absent'];
/** Rows that are drawn. */
const MOST_ROWS = 500;

/** Whether a run has tasks: one of sections runs programs instead, also when its file tells of it. */
export function has_tasks({ sections, overview, is_file }) {
  return sections === undefined || (!is_file && overview?.counts.queued > 0);
}

const wanted = { state: '', id: '' };

/** The log of the section whose story is told. */
let log = { id: undefined, file: '', tail: '' };

async function fetch_log({ ask, draw }, id) {
  log = { id, file: '', tail: '' };
  try {
    log = { id, ...(await ask(`/api/sections/${encodeURIComponent(id)}/log`)) };
  } catch (error) {
    log = { id, file: '', tail: error.message };
  }
  draw();
}

/** What became of one section. */
function story_view(tools, each) {
  if (log.id !== each.id) fetch_log(tools, each.id);
  const { state, attempt, host, failures = 0, losses = 0, failed_on = [], run_ms, checkpoint, error } = each;
  const pairs = [
    ['state', html`<span class=${state}>${state}</span>`],
    ['attempt', attempt],
    ['host', host],
    ['failures', failures > 0 ? failures : undefined],
    ['failed on', failed_on.length > 0 ? [...new Set(failed_on)].join(', ') : undefined],
    ['hosts lost under it', losses > 0 ? losses : undefined],
    ['done', done_text(each) || undefined],
    ['time', run_ms === undefined ? undefined : time_text(run_ms)],
  ];
  return html`<section class="story" id="story">
    <h2>Section ${each.id}</h2>
    <dl class="facts small">${pairs.filter(([, value]) => value !== undefined).map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>
    ${error === undefined ? '' : html`<p><b>What went wrong last</b></p><pre class="bad">${error}</pre>`}
    ${checkpoint === undefined ? '' : html`<p>Its last checkpoint: <code>${checkpoint}</code></p>`}
    <p><b>Log of attempt ${attempt}</b> <span class="faint">${log.file}</span></p><pre id="section_log">${log.tail || 'It has written nothing.'}</pre>
    <button @click=${() => fetch_log(tools, each.id)}>Look again</button> <a href="#sections">Close</a>
  </section>`;
}

function done_text({ done, total }) {
  if (done === undefined) return '';
  return total > 0 ? `${Math.floor((100 * done) / total)} %` : count_text(done);
}

export function sections_view(tools, [wanted_id]) {
  const { state, draw } = tools;
  const { sections } = state;
  if (sections === undefined) return html`<p>This job runs no sections.</p>`;
  const { total, counts, files, rows } = sections;
  const found = rows.filter(
    ({ id, state: word, host = '' }) =>
      (wanted.state === '' || word === wanted.state) && (id.includes(wanted.id) || host.includes(wanted.id)),
  );
  const change = (changes) => {
    Object.assign(wanted, changes);
    draw();
  };
  const told =
    wanted_id === undefined ? undefined : rows.find(({ id }) => encodeURIComponent(id) === wanted_id);
  return html`${told === undefined ? '' : story_view(tools, told)}
    <dl class="facts"><div><dt>sections</dt><dd>${count_text(total)}</dd></div>
      ${STATES.filter((word) => counts[word] > 0).map(
        (word) => html`<div><dt>${word}</dt><dd class=${word}>${count_text(counts[word])}</dd></div>`,
      )}
    </dl>
    <form @submit=${(event) => event.preventDefault()}>
      <label>section or host<input name="section" size="16" .value=${wanted.id} @input=${({ target }) => change({ id: target.value })}></label>
      <label>state<select name="section_state" @change=${({ target }) => change({ state: target.value })}>
        ${['', ...STATES].map((word) => html`<option value=${word} ?selected=${wanted.state === word}>${word || 'any'}</option>`)}
      </select></label>
    </form>
    <div class="wide"><table id="sections">
      <thead><tr><th>section</th><th>state</th><th>host</th><th class="n">attempt</th><th class="n">failures</th><th class="n">done</th><th class="n">time</th><th>checkpoint</th></tr></thead>
      <tbody>${found.slice(0, MOST_ROWS).map(
        (each) => html`<tr>
          <td><a href="#sections/${encodeURIComponent(each.id)}">${each.id}</a></td><td class=${each.state}>${each.state}</td><td>${each.host ?? ''}</td>
          <td class="n">${each.attempt}</td><td class="n">${each.failures ?? 0}</td>
          <td class="n">${done_text(each)}</td>
          <td class="n">${each.run_ms === undefined ? '' : time_text(each.run_ms)}</td>
          <td>${each.checkpoint ?? ''}</td>
        </tr>${each.error === undefined ? '' : html`<tr class="said"><td></td><td colspan="7"><div class="bad">${each.error}</div></td></tr>`}`,
      )}</tbody></table></div>
    ${found.length > MOST_ROWS || total > rows.length ? html`<p class="faint">Only the first ${count_text(Math.min(found.length, MOST_ROWS))} are shown${total > rows.length ? html`, of the first ${count_text(rows.length)}` : ''}: ask for a section or a state.</p>` : ''}
    ${
      files.length === 0
        ? ''
        : html`<h2>Files</h2><div class="wide"><table id="files">
      <thead><tr><th>name</th><th>file</th><th>usage</th><th>pieces</th><th class="n">there</th></tr></thead>
      <tbody>${files.map(
        (each) => html`<tr><td>${each.key}</td><td class="long">${each.name}</td><td>${each.usage}</td>
          <td>${PIECES.filter((word) => each.pieces[word] > 0)
            .map((word) => `${each.pieces[word]} ${word}`)
            .join(', ')}</td>
          <td class="n">${bytes_text(each.bytes)}</td></tr>`,
      )}</tbody></table></div>`
    }`;
}
