/** The task stream: a row for each slave, a box for each task. Wheel and +/- zoom, dragging and arrows move. */
import { html } from '/lib/lit-html.js';
import { colour, time_text } from './format.js';

/** Boxes that are kept in the page. */
const MOST_BOXES = 200_000;

let boxes = [];
let window_ms = 30_000;
/** Right edge of what is shown; undefined while it follows the run. */
let right;
let canvas;
let latest = { now: 0, slaves: [] };

export function forget_tasks() {
  boxes = [];
}

/** Takes in tasks that have ended. */
export function take_tasks(tasks) {
  for (let i = 0; i < tasks.index.length; i++) {
    boxes.push({
      index: tasks.index[i],
      name: tasks.name[i],
      slave: tasks.slave[i],
      outcome: tasks.outcome[i],
      start: tasks.start[i],
      end: tasks.start[i] + tasks.run_ms[i],
    });
  }
  if (boxes.length > MOST_BOXES * 1.1) boxes = boxes.slice(-MOST_BOXES);
}

export function stream_view({ state, draw }) {
  if (canvas === undefined) canvas = make_canvas(draw);
  latest = { now: state.overview?.now ?? 0, slaves: state.slaves.rows };
  requestAnimationFrame(paint);
  return html`<p class="faint">
      ${time_text(window_ms)} in view, ${right === undefined ? 'following the run' : 'held'}.
      <button @click=${() => zoom(0.5, draw)}>Nearer</button>
      <button @click=${() => zoom(2, draw)}>Farther</button>
      <button @click=${() => follow(draw)} ?disabled=${right === undefined}>Follow</button>
      Wheel or + and - zoom; drag or arrow keys move; a click opens a task.
    </p>
    ${canvas}`;
}

function zoom(factor, draw) {
  window_ms = Math.min(1e9, Math.max(1, window_ms * factor));
  draw();
}

function follow(draw) {
  right = undefined;
  draw();
}

function move(ms, draw) {
  right = (right ?? latest.now) + ms;
  if (right >= latest.now) right = undefined;
  draw();
}

function make_canvas(draw) {
  const made = document.createElement('canvas');
  made.className = 'stream';
  made.tabIndex = 0;
  made.setAttribute('role', 'img');
  made.setAttribute('aria-label', 'tasks over time, a row for each slave');
  made.addEventListener('wheel', (event) => {
    event.preventDefault();
    zoom(event.deltaY > 0 ? 1.25 : 0.8, draw);
  });
  made.addEventListener('keydown', ({ key }) => {
    if (key === '+') zoom(0.5, draw);
    else if (key === '-') zoom(2, draw);
    else if (key === 'ArrowLeft') move(-window_ms / 5, draw);
    else if (key === 'ArrowRight') move(window_ms / 5, draw);
    else if (key === 'End') follow(draw);
  });
  let dragged;
  made.addEventListener('pointerdown', ({ clientX }) => {
    dragged = { x: clientX, far: 0 };
  });
  made.addEventListener('pointermove', ({ clientX, buttons }) => {
    if (dragged === undefined || buttons === 0) return;
    const distance = clientX - dragged.x;
    dragged = { x: clientX, far: dragged.far + Math.abs(distance) };
    move((-distance * window_ms) / made.clientWidth, draw);
  });
  made.addEventListener('pointerup', (event) => {
    if (dragged !== undefined && dragged.far < 4) open_task(event);
    dragged = undefined;
  });
  return made;
}

function edges() {
  const to = right ?? latest.now;
  return { from: to - window_ms, to };
}

function open_task({ offsetX, offsetY }) {
  const { from } = edges();
  const time = from + (offsetX / canvas.clientWidth) * window_ms;
  const row = Math.floor((offsetY / canvas.clientHeight) * Math.max(1, latest.slaves.length));
  const slave = latest.slaves[row]?.slave_id;
  const hit = boxes.findLast(
    (box) => box.slave === slave && box.start <= time && time <= box.end && box.index >= 0,
  );
  if (hit !== undefined) location.hash = `#tasks/${hit.index}`;
}

function paint() {
  if (!canvas.isConnected) return;
  const scale = devicePixelRatio;
  const [width, height] = [canvas.clientWidth * scale, canvas.clientHeight * scale];
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
  const pen = canvas.getContext('2d');
  pen.clearRect(0, 0, width, height);
  const { from, to } = edges();
  const rows = new Map(latest.slaves.map(({ slave_id }, i) => [slave_id, i]));
  const tall = height / Math.max(1, rows.size);
  const is_dark = matchMedia('(prefers-color-scheme: dark)').matches;
  const bad = colour('bad');
  for (const box of boxes) {
    if (box.end < from || box.start > to) continue;
    const row = rows.get(box.slave);
    if (row === undefined) continue;
    const x = ((box.start - from) / window_ms) * width;
    const wide = Math.max(1, ((box.end - box.start) / window_ms) * width - scale / 2);
    pen.fillStyle = box.outcome === 0 ? hue(box.name, is_dark) : bad;
    pen.fillRect(x, row * tall + 1, wide, Math.max(1, tall - 2));
  }
  if (tall < 12 * scale) return;
  pen.fillStyle = colour('ink');
  pen.font = `${11 * scale}px system-ui, sans-serif`;
  for (const [i, { name }] of latest.slaves.entries()) pen.fillText(name, 4 * scale, i * tall + 13 * scale);
}

function hue(name, is_dark) {
  const turn = (name * 137.5 + 210) % 360;
  return `hsl(${turn} 55% ${is_dark ? 55 : 62}%)`;
}
