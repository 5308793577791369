/**
 * DoneLine: a line of a status file about a task that returned, read byte by byte. A file has millions of them, of
 * which only the beginning is of interest here: what the task returned is not looked at. A line that is not just
 * as our writer makes them is left to parse_line.
 *
 *     {"kind":"done","index":7,"key":"...","fn":0,"at":812,"attempt":2,"slave":"align.slave3","run_ms":1.25,...
 */
const START = Buffer.from('{"kind":"done","index":');
const [KEY, FN, AT] = [Buffer.from(',"key":"'), Buffer.from('","fn":'), Buffer.from(',"at":')];
const [ATTEMPT, SLAVE, RUN] = [
  Buffer.from(',"attempt":'),
  Buffer.from(',"slave":"'),
  Buffer.from('","run_ms":'),
];
const POWERS = [1, 10, 100, 1000];
const RECENT = 512;
const [QUOTE, BACKSLASH, MINUS, DOT, ZERO, COMMA, CLOSE] = [34, 92, 45, 46, 48, 44, 125] as const;

export class DoneLine {
  index = 0;
  /** Two hashes of its key; `has_key` is false for a line without one. */
  has_key = false;
  key_hash = 0;
  key_hash_2 = 0;
  fn = 0;
  at = 0;
  attempt = 1;
  slave = '';
  run_ms = 0;
  /** Names that came of late, each at a place that it tells. */
  readonly #recent: string[] = new Array<string>(RECENT).fill('');

  /**
   * Reads the line. False when it is another, or written otherwise; the fields mean nothing then. It is one long
   * function, since what it does for each byte is done a hundred million times.
   */
  read(bytes: Buffer, start: number, end: number): boolean {
    if (bytes[end - 1] !== CLOSE || !stands_at(bytes, start, START)) return false;
    let at = start + START.length;
    let value = 0;
    let digit = (bytes[at] as number) - ZERO;
    for (; digit >= 0 && digit <= 9; digit = (bytes[++at] as number) - ZERO) value = value * 10 + digit;
    this.index = value;

    this.has_key = stands_at(bytes, at, KEY);
    if (this.has_key) {
      let [a, b] = [HASH_START, HASH_START_2];
      at += KEY.length;
      for (let byte = bytes[at] as number; byte !== QUOTE; byte = bytes[++at] as number) {
        if (byte === BACKSLASH || at >= end) return false;
        a = Math.imul(a ^ byte, HASH_STEP);
        b = Math.imul(b ^ byte, HASH_STEP_2);
      }
      this.key_hash = a >>> 0;
      this.key_hash_2 = b >>> 0;
      if (!stands_at(bytes, at, FN)) return false;
      at += FN.length;
      value = 0;
      digit = (bytes[at] as number) - ZERO;
      for (; digit >= 0 && digit <= 9; digit = (bytes[++at] as number) - ZERO) value = value * 10 + digit;
      this.fn = value;
    }

    if (!stands_at(bytes, at, AT)) return false;
    at += AT.length;
    const is_negative = bytes[at] === MINUS;
    if (is_negative) at++;
    value = 0;
    digit = (bytes[at] as number) - ZERO;
    for (; digit >= 0 && digit <= 9; digit = (bytes[++at] as number) - ZERO) value = value * 10 + digit;
    this.at = is_negative ? -value : value;

    this.attempt = 1;
    if (stands_at(bytes, at, ATTEMPT)) {
      at += ATTEMPT.length;
      value = 0;
      digit = (bytes[at] as number) - ZERO;
      for (; digit >= 0 && digit <= 9; digit = (bytes[++at] as number) - ZERO) value = value * 10 + digit;
      this.attempt = value;
    }

    if (!stands_at(bytes, at, SLAVE)) return false;
    at += SLAVE.length;
    const from = at;
    let hash = 0;
    for (let byte = bytes[at] as number; byte !== QUOTE; byte = bytes[++at] as number) {
      if (byte === BACKSLASH || byte >= 128 || at >= end) return false;
      hash = (hash * 31 + byte) & 0xffff;
    }
    const place = hash % RECENT;
    const known = this.#recent[place] as string;
    if (is_at(bytes, from, at, known)) this.slave = known;
    else this.slave = this.#recent[place] = bytes.toString('latin1', from, at);

    if (!stands_at(bytes, at, RUN)) return false;
    at += RUN.length;
    value = 0;
    digit = (bytes[at] as number) - ZERO;
    for (; digit >= 0 && digit <= 9; digit = (bytes[++at] as number) - ZERO) value = value * 10 + digit;
    if (bytes[at] === DOT) {
      const point = at;
      digit = (bytes[++at] as number) - ZERO;
      for (; digit >= 0 && digit <= 9; digit = (bytes[++at] as number) - ZERO) value = value * 10 + digit;
      // what has more decimals is not of our writer
      value = at - point - 1 <= 3 ? value / (POWERS[at - point - 1] as number) : Number.NaN;
    }
    this.run_ms = value;
    return value >= 0 && (bytes[at] === COMMA || bytes[at] === CLOSE) && at < end;
  }
}

function stands_at(bytes: Buffer, at: number, text: Buffer): boolean {
  for (let i = 0; i < text.length; i++) if (bytes[at + i] !== text[i]) return false;
  return true;
}

/** Whether `text` stands there. */
function is_at(bytes: Buffer, from: number, to: number, text: string): boolean {
  if (text.length !== to - from) return false;
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) !== bytes[from + i]) return false;
  return true;
}

const [HASH_START, HASH_STEP, HASH_START_2, HASH_STEP_2] = [0x811c9dc5, 0x01000193, 0x9747b28c, 0x5bd1e995];

/** The two hashes of a key: together they tell the keys of a run apart. */
export function key_hashes(key: string): [number, number] {
  let [a, b] = [HASH_START, HASH_START_2];
  for (const byte of Buffer.from(key)) {
    a = Math.imul(a ^ byte, HASH_STEP);
    b = Math.imul(b ^ byte, HASH_STEP_2);
  }
  return [a >>> 0, b >>> 0];
}
