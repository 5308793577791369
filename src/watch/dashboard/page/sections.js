/** The sections of a run of sections, and the files that are cut into them or made of them. */
import { html } from '/lib/lit-html.js';
import { bytes_text, count_text, time_text } from './format.js';

const STATES = ['todo', 'sent', 'running', 'finished', 'collected', 'failed'];
/** Rows that are drawn. */
const MOST_ROWS = 500;

const wanted = { state: '', id: '' };

export function sections_view({ state, draw }) {
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
  return html`
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
      <thead><tr><th>section</th><th>state</th><th>host</th><th class="n">attempt</th><th class="n">failures</th><th class="n">done</th><th class="n">time</th><th>last word</th></tr></thead>
      <tbody>${found.slice(0, MOST_ROWS).map(
        (each) => html`<tr>
          <td>${each.id}</td><td class=${each.state}>${each.state}</td><td>${each.host ?? ''}</td>
          <td class="n">${each.attempt}</td><td class="n">${each.failures ?? 0}</td>
          <td class="n">${each.done === undefined ? '' : each.total > 0 ? `${Math.floor((100 * each.done) / each.total)} %` : count_text(each.done)}</td>
          <td class="n">${each.run_ms === undefined ? '' : time_text(each.run_ms)}</td>
          <td class="long">${each.error === undefined ? (each.checkpoint ?? '') : html`<span class="bad">${each.error}</span>`}</td>
        </tr>`,
      )}</tbody></table></div>
    ${found.length > MOST_ROWS || total > rows.length ? html`<p class="faint">Only the first ${count_text(Math.min(found.length, MOST_ROWS))} are shown${total > rows.length ? html`, of the first ${count_text(rows.length)}` : ''}: ask for a section or a state.</p>` : ''}
    ${
      files.length === 0
        ? ''
        : html`<h2>Files</h2><div class="wide"><table id="files">
      <thead><tr><th>name</th><th>file</th><th>usage</th><th>pieces</th><th class="n">there</th></tr></thead>
      <tbody>${files.map(
        (each) => html`<tr><td>${each.key}</td><td class="long">${each.name}</td><td>${each.usage}</td>
          <td>${Object.entries(each.pieces)
            .map(([word, count]) => `${count} ${word}`)
            .join(', ')}</td>
          <td class="n">${bytes_text(each.bytes)}</td></tr>`,
      )}</tbody></table></div>`
    }`;
}
