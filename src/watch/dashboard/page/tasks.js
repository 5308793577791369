/** The table of tasks that have ended, and the story of one. The server filters, sorts and pages. */
import { html } from '/lib/lit-html.js';
import { count_text, moment_text, time_text } from './format.js';

const LIMIT = 50;
const HEADS = [
  ['index', 'task', true],
  ['name', 'name', false],
  ['outcome', 'outcome', false],
  ['slave', 'slave', false],
  ['attempt', 'attempt', true],
  ['start', 'began', true],
  ['run_ms', 'time', true],
];

const query = {
  offset: 0,
  limit: LIMIT,
  sort: 'serial',
  descending: true,
  outcome: '',
  name: '',
  slave: '',
  index: '',
};
let page;
let asked_at = 0;
let problem = '';
let story;

async function fetch_page({ ask, draw }) {
  asked_at = performance.now();
  try {
    page = await ask(`/api/tasks?${new URLSearchParams(query)}`);
    problem = '';
  } catch (error) {
    problem = error.message;
  }
  draw();
}

async function fetch_story({ ask, draw }, index) {
  story = { index, entries: [] };
  try {
    story = await ask(`/api/tasks/${index}`);
  } catch (error) {
    problem = error.message;
  }
  draw();
}

export function tasks_view(tools, [index]) {
  const change = (changes) => {
    Object.assign(query, changes);
    fetch_page(tools);
  };
  // while the run goes on, its latest tasks are looked for now and then
  if (page === undefined ? asked_at === 0 : performance.now() - asked_at > 2000 && tools.state.is_connected)
    fetch_page(tools);
  if (index !== undefined && story?.index !== Number(index)) fetch_story(tools, Number(index));
  return html`${index === undefined || story === undefined ? '' : story_view(tools)}
    <form @submit=${(event) => event.preventDefault()}>
      ${['index', 'name', 'slave'].map(
        (
          each,
        ) => html`<label>${each === 'index' ? 'task' : each}<input name=${each} .value=${query[each]} size=${each === 'index' ? 8 : 16}
          @input=${({ target }) => change({ [each]: target.value, offset: 0 })}></label>`,
      )}
      <label>outcome<select name="outcome" @change=${({ target }) => change({ outcome: target.value, offset: 0 })}>
        ${['', 'done', 'failed', 'cancelled'].map((each) => html`<option value=${each} ?selected=${query.outcome === each}>${each || 'any'}</option>`)}
      </select></label>
    </form>
    ${problem === '' ? '' : html`<p class="bad">${problem}</p>`}
    ${page === undefined ? html`<p>Looking ...</p>` : table(tools, change)}`;
}

function table({ state }, change) {
  const { matched, kept, ended, rows } = page;
  const { offset, sort, descending } = query;
  const began = (start) => time_text(Math.max(0, start - (state.overview?.started_at ?? 0)));
  return html`<p>
      <span id="matched">${count_text(matched)}</span> of ${count_text(kept)} tasks that ended${ended > kept ? html` <span class="faint">(of ${count_text(ended)}; the latest are kept)</span>` : ''}:
      <button @click=${() => change({ offset: 0 })} ?disabled=${offset === 0}>First</button>
      <button @click=${() => change({ offset: Math.max(0, offset - LIMIT) })} ?disabled=${offset === 0}>Previous</button>
      ${matched === 0 ? 'none' : `${count_text(offset + 1)} to ${count_text(offset + rows.length)}`}
      <button id="next" @click=${() => change({ offset: offset + LIMIT })} ?disabled=${offset + LIMIT >= matched}>Next</button>
      <button @click=${() => change({ offset: Math.max(0, Math.floor((matched - 1) / LIMIT) * LIMIT) })} ?disabled=${offset + LIMIT >= matched}>Last</button>
    </p>
    <div class="wide"><table id="tasks">
      <thead><tr>${HEADS.map(
        ([
          key,
          title,
          is_number,
        ]) => html`<th class=${is_number ? 'n' : ''} aria-sort=${sort === key ? (descending ? 'descending' : 'ascending') : 'none'}>
          <button @click=${() => change({ sort: key, descending: sort === key ? !descending : is_number, offset: 0 })}>${title}${sort === key ? (descending ? ' ▾' : ' ▴') : ''}</button></th>`,
      )}</tr></thead>
      <tbody>${rows.map(
        (row) => html`<tr>
          <td class="n">${row.index < 0 ? 'run_task' : html`<a href="#tasks/${row.index}">${row.index}</a>`}</td>
          <td>${row.name}</td><td class=${row.outcome}>${row.outcome}</td><td>${row.slave}</td>
          <td class="n">${row.attempt}</td><td class="n">${began(row.start)}</td><td class="n">${time_text(row.run_ms)}</td>
        </tr>`,
      )}</tbody></table></div>`;
}

function story_view({ state, act }) {
  const { index, end, running_on, entries, epoch } = story;
  const clock = (at) => moment_text(epoch + at, 0);
  return html`<section class="story" id="story">
    <h2>Task ${index}${end === undefined ? '' : ` (${end.name})`}</h2>
    <p>${
      end !== undefined
        ? html`<span class=${end.outcome}>${end.outcome}</span> in attempt ${end.attempt}${end.slave === '' ? '' : ` on ${end.slave}`}, begun at ${clock(end.start)}, took ${time_text(end.run_ms)}`
        : running_on !== undefined
          ? `runs on ${running_on}`
          : 'has not ended, or is not remembered any more'
    }</p>
    ${entries.map(
      (
        each,
      ) => html`<p><b>${each.kind}</b> <span class="faint">${clock(each.at)}, attempt ${each.attempt}${each.slave === undefined ? '' : `, ${each.slave}`}${each.code === undefined ? '' : `, ${each.code}`}</span></p>
        <pre>${each.stack || each.text}</pre>`,
    )}
    ${state.can_act && end === undefined ? html`<button id="cancel" @click=${() => act('/api/cancel', { index }, `Task ${index} is cancelled.`)}>Cancel this task</button>` : ''}
    <a href="#tasks">Close</a>
  </section>`;
}
