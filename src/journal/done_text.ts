/**
 * DoneText: the line of a task that returned, when it stands as our writer makes it. A file has millions of those,
 * and to read them so takes half the time that JSON.parse and the check of every field take. Nothing is checked
 * less: what is not just so, or holds a value that JSON does not keep exactly, is left to parse_line.
 *
 *     {"kind":"done","index":7,"key":"...","fn":0,"at":812,"attempt":2,"slave":"align.slave3","run_ms":1.25,"value":...}
 */
import { is_json_exact } from './json_exact.js';
import { MAX_WHOLE, type TaskLine } from './line.js';
import { MAX_KEY_LENGTH } from './task_key.js';

const WHOLE = '(0|[1-9]\\d{0,9})';
/** No escapes: a text of a file that is UTF-8 is well-formed then. */
const CHARACTER = '[^"\\\\\\u0000-\\u001f]';
const DONE = new RegExp(
  `^\\{"kind":"done","index":${WHOLE}(?:,"key":("${CHARACTER}{1,${MAX_KEY_LENGTH}}"),"fn":${WHOLE})?` +
    `,"at":(0|-?[1-9]\\d{0,14})(?:,"attempt":([1-9]\\d{0,9}))?,"slave":"(${CHARACTER}+)"` +
    ',"run_ms":((?:0|[1-9]\\d{0,14})(?:\\.\\d{1,3})?)(?:,"value":([^]+))?\\}$',
);

/** The line that `text` holds but for its value, which was looked at; undefined when parse_line has to say. */
export function parse_done(text: string): (TaskLine & { kind: 'done' }) | undefined {
  const found = DONE.exec(text);
  if (found === null) return undefined;
  const [, index, key, fn, at, attempt, slave, run_ms, value] = found;
  if (value !== undefined && !is_exact_text(value)) return undefined;
  const line = {
    kind: 'done' as const,
    index: Number(index),
    // a part of the text would keep it all in memory; what was parsed is a text of its own
    key: key === undefined ? undefined : (JSON.parse(key) as string),
    fn: fn === undefined ? undefined : Number(fn),
    at: Number(at),
    attempt: attempt === undefined ? undefined : Number(attempt),
    slave: slave as string,
    run_ms: Number(run_ms),
  };
  const are_small = line.index < MAX_WHOLE && (line.fn ?? 0) < MAX_WHOLE && (line.attempt ?? 1) < MAX_WHOLE;
  return are_small ? (line as TaskLine & { kind: 'done' }) : undefined;
}

function is_exact_text(text: string): boolean {
  try {
    return is_json_exact(JSON.parse(text));
  } catch {
    return false;
  }
}
