/**
 * What the fakes share: a folder, named by FAKE_STATE, in which everything is files, so that each command of a
 * fake cluster, and the test, may be a process of its own.
 *
 *     calls.jsonl              every call: program, words, stdin
 *     misbehave/PROGRAM        JSON: what it is to do instead; see misbehave()
 *     hold                     while it is there no job starts
 *     jobs/ID/job.json         kind, name, first, count, cwd, env
 *     jobs/ID/script
 *     jobs/ID/INDEX/           one element: state, exit, reason, pid; marks of orders: cancel, end, requeue
 *
 * A keeper (keeper.js), one for each job, starts, ends and watches its elements.
 */
import { spawn } from 'node:child_process';
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';

export const STATE = process.env.FAKE_STATE ?? '';
if (STATE === '') {
  console.error('a fake needs FAKE_STATE, the folder of its state');
  process.exit(99);
}

export const [program, ...argv] = process.argv.slice(2);

export function read(...path) {
  try {
    return readFileSync(join(STATE, ...path), 'utf8');
  } catch {
    return undefined;
  }
}

/** Whoever reads sees the old text or the new, never a half. */
export function write(text, ...path) {
  const file = join(STATE, ...path);
  const aside = `${file}.${process.pid}`;
  writeFileSync(aside, text);
  renameSync(aside, file);
}

export function exists(...path) {
  return existsSync(join(STATE, ...path));
}

export function read_stdin() {
  try {
    return readFileSync(0, 'utf8');
  } catch {
    return '';
  }
}

/** Ends the program. */
export function end(exit_code, { stdout = '', stderr = '' } = {}) {
  if (stdout !== '') process.stdout.write(stdout);
  if (stderr !== '') process.stderr.write(stderr);
  process.exit(exit_code);
}

/** Notes the call, and does what the test wants of it: waits for `slow_ms`, says something else and ends. */
export async function begin(stdin) {
  appendFileSync(
    join(STATE, 'calls.jsonl'),
    `${JSON.stringify({ program, argv, stdin, pid: process.pid })}\n`,
  );
  const order = read('misbehave', program);
  if (order === undefined) return;
  const { slow_ms = 0, exit_code, stdout, stderr } = JSON.parse(order);
  if (slow_ms > 0) await new Promise((resolve) => setTimeout(resolve, slow_ms));
  if (exit_code !== undefined) end(exit_code, { stdout, stderr });
}

// ---- jobs

/** Returns the id of the new job, whose elements have the indices from `first` on. */
export function submit({ kind, name, first, count, cwd, script, is_array = true, is_broken = false }) {
  mkdirSync(join(STATE, 'jobs'), { recursive: true });
  let id = 101;
  for (;;) {
    try {
      mkdirSync(join(STATE, 'jobs', String(id)));
      break;
    } catch {
      id++;
    }
  }
  const folder = ['jobs', String(id)];
  write(script, ...folder, 'script');
  for (let index = first; index < first + count; index++) {
    mkdirSync(join(STATE, ...folder, String(index)));
    write(is_broken ? 'error' : 'pending', ...folder, String(index), 'state');
  }
  const env = { ...process.env };
  write(JSON.stringify({ kind, name, first, count, cwd, env, is_array }), ...folder, 'job.json');
  spawn(process.execPath, [join(import.meta.dirname, 'keeper.js'), 'keeper', String(id)], {
    detached: true,
    stdio: 'ignore',
  }).unref();
  return id;
}

/** All elements of all jobs that are not forgotten. */
export function elements() {
  const found = [];
  for (const id of exists('jobs') ? readdirSync(join(STATE, 'jobs')) : []) {
    const text = read('jobs', id, 'job.json');
    if (text === undefined || exists('jobs', id, 'forgotten')) continue;
    const { first, count, ...job } = JSON.parse(text);
    for (let index = first; index < first + count; index++) {
      const at = ['jobs', id, String(index)];
      found.push({
        ...{ id, index, job },
        /** pending, running, ended, cancelled, error, or what the test says */
        state: read(...at, 'state') ?? 'pending',
        exit_code: Number(read(...at, 'exit') ?? 0),
        signal: Number(read(...at, 'signal') ?? 0),
        reason: read(...at, 'reason') ?? read('reason'),
      });
    }
  }
  return found.sort((a, b) => a.id - b.id || a.index - b.index);
}

export function is_over({ state }) {
  return state !== 'pending' && state !== 'running' && state !== 'error';
}

export function cancel({ id, index }) {
  write('', 'jobs', id, String(index), 'cancel');
}

// ---- words

/**
 * Splits words into options and what follows. `known` says of each option how many words it takes.
 * @returns options by name, each a list of what was given, or the name of the first that is not known
 */
export function options_of(words, known) {
  const options = {};
  let at = 0;
  for (; at < words.length && words[at].startsWith('-') && words[at] !== '-'; at++) {
    const [name, ...rest] = words[at].split('=');
    if (!(name in known)) return { unknown: words[at], options, rest: words.slice(at) };
    const count = known[name];
    const value = rest.length > 0 ? rest.join('=') : words.slice(at + 1, at + 1 + count).join(' ');
    if (rest.length === 0) at += count;
    options[name] = [...(options[name] ?? []), value];
  }
  return { unknown: undefined, options, rest: words.slice(at) };
}
