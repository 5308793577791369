/** The task stream: a row for each slave, a box for each task. Wheel and +/- zoom, dragging and arrows move. */
import { html } from '/lib/lit-html.js';
import { colour, moment_text, time_text } from './format.js';

/** Boxes that are kept in the page. */
const MOST_BOXES = 200_000;

let boxes = [];
let window_ms = 30_000;
/** Right edge of what is shown; undefined while it follows the run. */
let right;
let canvas;
let latest = { now: 0, epoch: 0, slaves: [] };

/** Below the rows, for the times. */
const AXIS_HEIGHT = 18;

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
  const { now = 0, epoch = 0 } = state.overview ?? {};
  latest = { now, epoch, slaves: state.slaves.rows };
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
  const row = Math.floor((offsetY / (canvas.clientHeight - AXIS_HEIGHT)) * Math.max(1, latest.slaves.length));
  const { slave_id: slave, running } = latest.slaves[row] ?? {};
  if (running?.index >= 0 && latest.now - running.ms <= time && time <= latest.now) {
    location.hash = `#tasks/${running.index}`;
    return;
  }
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
  const bottom = height - AXIS_HEIGHT * scale;
  const tall = bottom / Math.max(1, rows.size);
  paint_axis(pen, { from, width, bottom, height, scale });
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
  // what runs has no colour yet: it has no outcome
  pen.fillStyle = colour('line');
  for (const [i, { running }] of latest.slaves.entries()) {
    if (running === undefined) continue;
    const start = Math.max(from, latest.now - running.ms);
    const x = ((start - from) / window_ms) * width;
    const wide = ((Math.min(latest.now, to) - start) / window_ms) * width;
    if (wide > 0) pen.fillRect(x, i * tall + 1, wide, Math.max(1, tall - 2));
  }
  if (tall < 12 * scale) return;
  pen.fillStyle = colour('ink');
  pen.font = `${11 * scale}px system-ui, sans-serif`;
  for (const [i, { name }] of latest.slaves.entries()) pen.fillText(name, 4 * scale, i * tall + 13 * scale);
}

/** Times of day, as many as have room. */
function paint_axis(pen, { from, width, bottom, height, scale }) {
  const steps = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 30_000]
    .concat([1, 2, 5, 10, 30, 60, 120, 360, 720, 1440].map((minutes) => minutes * 60_000))
    .concat([2, 5, 10, 20].map((days) => days * 86_400_000));
  const room = Math.max(1, Math.floor(width / (100 * scale)));
  const step = steps.find((each) => window_ms / each <= room) ?? window_ms;
  pen.font = `${11 * scale}px system-ui, sans-serif`;
  const zone = new Date().getTimezoneOffset() * 60_000;
  const begin = latest.epoch + from - zone;
  for (let at = Math.ceil(begin / step) * step; at < begin + window_ms; at += step) {
    const x = Math.round(((at - begin) / window_ms) * width);
    pen.fillStyle = colour('line');
    pen.fillRect(x, 0, scale, bottom + 3 * scale);
    // it would be cut off
    if (x > width - 60 * scale) continue;
    pen.fillStyle = colour('faint');
    const text = moment_text(at + zone, window_ms);
    pen.fillText(
      step < 1000 ? `${text}.${String(at % 1000).padStart(3, '0')}` : text,
      x + 3 * scale,
      height - 4 * scale,
    );
  }
}

function hue(name, is_dark) {
  const turn = (name * 137.5 + 210) % 360;
  return `hsl(${turn} 55% ${is_dark ? 55 : 62}%)`;
}
