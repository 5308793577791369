/** The page: takes in the server's events, and shows the view that the address names. */
import { html, nothing, render } from '/lib/lit-html.js';
import { explain_view, overview_view } from './overview.js';
import { has_tasks, sections_view } from './sections.js';
import { slaves_view } from './slaves.js';
import { forget_tasks, stream_view, take_tasks } from './stream.js';
import { tasks_view } from './tasks.js';

const VIEWS = {
  overview: overview_view,
  stream: stream_view,
  slaves: slaves_view,
  tasks: tasks_view,
  sections: sections_view,
  explain: explain_view,
};

const token = read_token();

/** All that the server has told. */
const state = {
  jobname: 'parjob',
  overview: undefined,
  slaves: { total: 0, rows: [] },
  series: undefined,
  sections: undefined,
  is_connected: false,
  message: '',
  can_act: false,
  is_file: false,
};

/** The token of the link is kept for this tab, and taken out of its address. */
function read_token() {
  const given = /[#&]token=([\w-]+)/.exec(location.hash)?.[1];
  if (given !== undefined) {
    sessionStorage.setItem('parjob_token', given);
    history.replaceState(undefined, '', `${location.pathname}#overview`);
  }
  return given ?? sessionStorage.getItem('parjob_token') ?? undefined;
}

function headers() {
  return token === undefined ? {} : { authorization: `Bearer ${token}` };
}

/** Asks the server. */
async function ask(path) {
  const response = await fetch(path, { headers: headers() });
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.error ?? response.statusText);
  return answer;
}

/** Has the server do something, and says what came of it. */
async function act(path, body, what) {
  try {
    const response = await fetch(path, {
      method: 'POST',
      headers: { ...headers(), 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    const answer = await response.json();
    state.message = response.ok ? (answer.is_done ? what : 'There was nothing to do.') : answer.error;
  } catch (error) {
    state.message = error.message;
  }
  draw();
}

/** Only a run of sections has sections, and mostly no tasks; its file knows no slaves. */
function is_of_use(view) {
  switch (view) {
    case 'sections':
      return state.sections !== undefined;
    case 'stream':
    case 'tasks':
      return has_tasks(state);
    case 'slaves':
      return has_tasks(state) || !state.is_file;
    default:
      return true;
  }
}

const tools = { state, ask, act, draw };

/** What stands beside the name of the job. */
function standing_text() {
  const { overview, is_connected, is_file } = state;
  if (!is_connected) return 'the job has ended, or cannot be reached';
  if (overview?.read !== undefined && overview.read < 1)
    return `reading the file: ${Math.floor(overview.read * 100)} %`;
  if (overview?.standing === 'broken_off') return 'broken off: no master, and tasks are left';
  if (overview?.standing === 'finished') return 'finished';
  return is_file ? 'live, as its file tells' : 'live';
}

function draw() {
  const [view, ...rest] = location.hash.replace('#', '').split('/');
  const name = view in VIEWS ? view : 'overview';
  document.title = `${state.jobname}: parjob`;
  render(
    html`<header>
        <h1>${state.jobname}</h1>
        <span class=${state.is_connected && state.overview?.standing !== 'broken_off' ? 'faint' : 'bad'} id="connection">${standing_text()}</span>
        ${
          state.can_act
            ? html`<button id="stop" ?disabled=${!state.is_connected} @click=${() => confirm('End all slaves and the run?') && act('/api/stop', {}, 'The job stops.')}>Stop the job</button>`
            : ''
        }
        <span role="status">${state.message}</span>
      </header>
      <nav aria-label="Views">
        ${Object.keys(VIEWS)
          .filter(is_of_use)
          .map(
            (each) =>
              html`<a href="#${each}" aria-current=${each === name ? 'page' : nothing}>${each[0].toUpperCase()}${each.slice(1)}</a>`,
          )}
      </nav>
      <div id="view">${VIEWS[name](tools, rest)}</div>`,
    document.querySelector('#page'),
  );
}

const events = new EventSource(token === undefined ? '/events' : `/events?token=${token}`);
events.addEventListener('open', () => {
  state.is_connected = true;
});
events.addEventListener('error', () => {
  state.is_connected = false;
  draw();
});
events.addEventListener('job', ({ data }) => {
  const { jobname, can_act } = JSON.parse(data);
  Object.assign(state, { jobname, is_file: !can_act, can_act: can_act && token !== undefined });
});
// the file of the run was written anew, and what was told of it is told again
events.addEventListener('anew', forget_tasks);
events.addEventListener('sections', ({ data }) => {
  state.sections = JSON.parse(data);
  draw();
});
events.addEventListener('state', ({ data }) => {
  Object.assign(state, JSON.parse(data));
  draw();
});
events.addEventListener('tasks', ({ data }) => take_tasks(JSON.parse(data)));
events.addEventListener('series', ({ data }) => {
  state.series = JSON.parse(data);
  draw();
});
document.querySelector('#page').replaceChildren();
addEventListener('hashchange', draw);
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', draw);
draw();
