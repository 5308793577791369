/**
 * Pars: a set of parameters, from text or an object, for a program that takes `key=value`, options or JSON.
 *
 *     n1=100 label="Offset (km)" shots=1,2,3     # what follows a hash is not read
 *     par=more.par                               read in place, from the folder of the file that says so
 *     finished=23 of 40                          words without = are not read: finished is 23
 *
 * The last assignment of a key wins. A value with commas is a list. A value, or an item of a list, that begins with
 * a quote goes on to the next such quote, blanks, commas and line ends included; a quote that nothing closes, or
 * that stands elsewhere, is a character as any other. A value may consist of several quoted parts, so that one which
 * has both kinds of quote can be written: 'say "'"it's".
 *
 * Nothing here knows of sections or of shells: what a program gets is an array of words.
 */
import { randomUUID } from 'node:crypto';
import { readFileSync, realpathSync } from 'node:fs';
import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { hostname, userInfo } from 'node:os';
import { basename, dirname, resolve } from 'node:path';
import { show } from '../base/options.js';
import { UsageError } from '../errors.js';

/** One value of a parameter. */
type Plain = string | number | boolean;
/** What a parameter may be; a list is never empty. */
export type ParValue = Plain | readonly Plain[];
/** What a set can be made from: text, an object, or another set. */
export type ParSource = string | Readonly<Record<string, ParValue>> | Pars;
/** How words for a program look. */
export type WordStyle = 'key=value' | '--key value';

const KEY = /^[^\s=#"',]+$/;
const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eEdD][+-]?\d+)?$/;

/**
 * A set of parameters, from text, an object or another set, for a program that takes `key=value`, options or JSON.
 *
 * @example
 * const pars = Pars.parse('n1=100 label="Offset (km)" shots=1,2,3');
 * pars.integer('n1'); // 100
 * pars.set('n1', 50).to_words(); // ['n1=50', 'label=Offset (km)', 'shots=1,2,3']
 */
export class Pars {
  readonly #values = new Map<string, ParValue>();
  // where the value of a key was read, for the errors of the typed getters
  readonly #origins = new Map<string, string>();

  constructor(source?: ParSource) {
    if (source !== undefined) this.add(source);
  }

  /**
   * The set that `text` says.
   * @param options.folder where the files of `par=FILE` are looked for; default the working directory
   * @throws UsageError (PARJOB_ERR_USAGE) when such a file cannot be read, or reads itself
   */
  static parse(text: string, options: { folder?: string | undefined } = {}): Pars {
    const pars = new Pars();
    pars.#read_text(text, options.folder ?? '.', []);
    return pars;
  }

  /** The set that is written in a file. @throws UsageError (PARJOB_ERR_USAGE) as parse does */
  static read(file: string): Pars {
    const pars = new Pars();
    pars.#read_file(file, []);
    return pars;
  }

  /** The set that words of a command line say, `key=value` each. Here a value is as it is: quotes mean nothing. */
  static from_words(words: readonly string[]): Pars {
    const pars = new Pars();
    for (const word of words) {
      const at = word.indexOf('=');
      const key = word.slice(0, Math.max(at, 0));
      if (KEY.test(key)) pars.set(key, one_or_list(word.slice(at + 1).split(',')));
    }
    return pars;
  }

  /** All of the sets in one; where several have a key, the last one's value is taken. */
  static merge(...layers: readonly ParSource[]): Pars {
    const pars = new Pars();
    for (const layer of layers) pars.add(layer);
    return pars;
  }

  /** How many parameters there are. */
  get size(): number {
    return this.#values.size;
  }

  /** Their names, in the order in which they were first set. */
  keys(): string[] {
    return [...this.#values.keys()];
  }

  /** Whether it is set. */
  has(key: string): boolean {
    return this.#values.has(key);
  }

  /** The value as it was given: of what was read from text, a string or a list of strings. */
  get(key: string): ParValue | undefined {
    return this.#values.get(key);
  }

  /** @throws UsageError (PARJOB_ERR_USAGE) when the key or the value cannot be written as `key=value` */
  set(key: string, value: ParValue): this {
    check_key(key);
    check_value(key, value);
    this.#values.set(key, Array.isArray(value) ? [...value] : value);
    this.#origins.delete(key);
    return this;
  }

  /** Unsets one. False when it was not set. */
  delete(key: string): boolean {
    this.#origins.delete(key);
    return this.#values.delete(key);
  }

  /** Takes over all of `source`; with `overwrite: false` only what is not set here. */
  add(source: ParSource, options: { overwrite?: boolean | undefined } = {}): this {
    const other = typeof source === 'string' ? Pars.parse(source) : source;
    const is_set = other instanceof Pars;
    // a Map has no keys of its own, and would be no parameters at all
    if (!is_set && (typeof other !== 'object' || other === null || Symbol.iterator in other)) {
      throw new UsageError(`parameters must be text, an object or a Pars, got ${show(other)}`);
    }
    for (const [key, value] of is_set ? other.#values : Object.entries(other)) {
      if (value === undefined || (options.overwrite === false && this.has(key))) continue;
      this.set(key, value);
      const origin = is_set ? other.#origins.get(key) : undefined;
      if (origin !== undefined) this.#origins.set(key, origin);
    }
    return this;
  }

  /** Another set with the same parameters. */
  clone(): Pars {
    return new Pars(this);
  }

  /** Those whose names begin with `prefix`, without it. */
  extract(prefix: string): Pars {
    const found = new Pars();
    for (const [key, value] of this.#values) {
      if (key.length > prefix.length && key.startsWith(prefix)) found.set(key.slice(prefix.length), value);
    }
    return found;
  }

  /** One piece of text. @throws UsageError (PARJOB_ERR_USAGE), as all that follow, when it is not set or not that */
  text(key: string, by_default?: string): string {
    return this.#one(key, 'text', by_default, plain_text);
  }

  /** One whole number. */
  integer(key: string, by_default?: number): number {
    return this.#one(key, 'a whole number', by_default, to_integer);
  }

  /** One number; Fortran's 1.5d3 is one. */
  number(key: string, by_default?: number): number {
    return this.#one(key, 'a number', by_default, to_number);
  }

  /** One truth: false if the text begins with n, N, f, F or 0, true if with y, Y, t, T or 1. */
  logic(key: string, by_default?: boolean): boolean {
    return this.#one(key, 'y or n', by_default, to_logic);
  }

  /** A list of texts; a single one is a list of one. */
  texts(key: string, by_default?: readonly string[]): string[] {
    return this.#list(key, 'text', by_default, plain_text);
  }

  /** A list of whole numbers. */
  integers(key: string, by_default?: readonly number[]): number[] {
    return this.#list(key, 'whole numbers', by_default, to_integer);
  }

  /** A list of numbers. */
  numbers(key: string, by_default?: readonly number[]): number[] {
    return this.#list(key, 'numbers', by_default, to_number);
  }

  /**
   * Words for the command line of a program. They are meant for an argv and hence not quoted.
   *
   * - `key=value` (the default; SEP, Madagascar): lists with commas, true and false as y and n
   * - `--key value`: two words; true is `--key` alone, and what is false is left out
   */
  to_words(style: WordStyle = 'key=value'): string[] {
    if (style !== 'key=value' && style !== '--key value') {
      throw new UsageError(`the style of words must be 'key=value' or '--key value', got ${show(style)}`);
    }
    return [...this.#values].flatMap(([key, value]) => {
      if (style === 'key=value') return [`${key}=${items_of(value).map(plain_text).join(',')}`];
      if (typeof value === 'boolean') return value ? [`--${key}`] : [];
      return [`--${key}`, items_of(value).map(plain_text).join(',')];
    });
  }

  /** One JSON object, for the stdin of a program. What was read from text is strings in it. */
  to_json(): string {
    return JSON.stringify(this.to_object());
  }

  /** An object with the values as they were given. */
  to_object(): Record<string, ParValue> {
    return Object.fromEntries([...this.#values].map(([key, v]) => [key, Array.isArray(v) ? [...v] : v]));
  }

  /** Text on one line, or more if a value has a line end, that `parse` reads back. */
  toString(): string {
    return [...this.#values].map(([key, value]) => assignment(key, value)).join(' ');
  }

  /**
   * Writes the set to a file. What the file has already stays; a line that says who wrote and when follows, and then
   * those parameters that differ from what it said before.
   * @param options.program whom to name; default the running script
   * @throws UsageError (PARJOB_ERR_USAGE) when what the file has would not let it be read again
   */
  async write(file: string, options: { program?: string | undefined } = {}): Promise<void> {
    const old = await text_if_there(file);
    const before = old === '' ? new Pars() : Pars.parse(old, { folder: dirname(file) });
    const changed = [...this.#values]
      .map(([key, value]) => ({ key, line: assignment(key, value) }))
      .filter(({ key, line }) => !before.has(key) || line !== assignment(key, before.get(key) as ParValue));
    const lines = [provenance(options.program), ...changed.map(({ line }) => line)];
    const text = `${old === '' || old.endsWith('\n') ? old : `${old}\n`}${lines.join('\n')}\n`;
    const read = new Map(assignments(text).map(({ key, items }) => [key, items]));
    const lost = changed.find(({ key, line }) => line !== assignment(key, read.get(key) ?? []));
    if (lost !== undefined)
      throw new UsageError(
        `${file} has a quote that nothing closes, and would not give back ${lost.line}: mend it first`,
      );
    const temporary = `${file}.${randomUUID()}.tmp`;
    try {
      await writeFile(temporary, text);
      await rename(temporary, file);
    } catch (error) {
      await rm(temporary, { force: true });
      throw error;
    }
  }

  #read_text(text: string, folder: string, chain: readonly string[]): void {
    for (const { key, items } of assignments(text)) {
      if (key === 'par') {
        for (const file of items) this.#read_file(resolve(folder, file), chain);
        continue;
      }
      this.set(key, one_or_list(items));
      const origin = chain.at(-1);
      if (origin !== undefined) this.#origins.set(key, origin);
    }
  }

  #read_file(file: string, chain: readonly string[]): void {
    const by = chain.length === 0 ? '' : ` (par= in ${chain.at(-1)})`;
    let path: string;
    let text: string;
    try {
      path = realpathSync(file);
      text = readFileSync(path, 'utf8');
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      throw new UsageError(`the parameter file ${file}${by} cannot be read: ${code}`, { cause: error });
    }
    if (chain.includes(path)) {
      throw new UsageError(
        `a parameter file reads itself: ${[...chain.slice(chain.indexOf(path)), path].join(' reads ')}; ` +
          'take one par= away',
      );
    }
    this.#read_text(text, dirname(path), [...chain, path]);
  }

  #one<T>(key: string, expected: string, by_default: T | undefined, convert: Convert<T>): T {
    const value = this.#values.get(key);
    if (value === undefined) {
      if (by_default !== undefined) return by_default;
      throw new UsageError(`parameter '${key}' is not set: expected ${expected}`);
    }
    const single = Array.isArray(value) && value.length === 1 ? (value[0] as Plain) : value;
    const converted = typeof single === 'object' ? undefined : convert(single);
    if (converted !== undefined) return converted;
    throw new UsageError(`parameter '${key}' must be ${expected}, got ${show(value)}${this.#whence(key)}`);
  }

  #list<T>(key: string, expected: string, by_default: readonly T[] | undefined, convert: Convert<T>): T[] {
    const value = this.#values.get(key);
    if (value === undefined) {
      if (by_default !== undefined) return [...by_default];
      throw new UsageError(`parameter '${key}' is not set: expected a list of ${expected}`);
    }
    return items_of(value).map((item) => {
      const converted = convert(item);
      if (converted !== undefined) return converted;
      const what = `parameter '${key}' must be a list of ${expected}`;
      throw new UsageError(`${what}, got ${show(item)} in ${show(value)}${this.#whence(key)}`);
    });
  }

  #whence(key: string): string {
    const origin = this.#origins.get(key);
    return origin === undefined ? '' : ` (read from ${origin})`;
  }
}

/** A value as the type that is wanted; undefined if it is not of that type. */
type Convert<T> = (value: Plain) => T | undefined;

/** The assignments that a text makes, in order, `par=` among them; an unquoted value without a comma has one item. */
export function assignments(text: string): { key: string; items: string[] }[] {
  const found: { key: string; items: string[] }[] = [];
  let at = 0;
  while (at < text.length) {
    const c = text[at] as string;
    if (is_blank(c)) {
      at++;
    } else if (c === '#') {
      at = end_of(text, at, '\n');
    } else {
      const start = at;
      while (at < text.length && !is_blank(text[at] as string) && text[at] !== '=') at++;
      const key = text.slice(start, at);
      if (text[at] !== '=') continue;
      const value = read_value(text, at + 1);
      at = value.end;
      if (KEY.test(key)) found.push({ key, items: value.items });
    }
  }
  return found;
}

function read_value(text: string, from: number): { items: string[]; end: number } {
  const items: string[] = [];
  let item = '';
  let at = from;
  // a quote opens a quoted part only here, and right behind another one
  let may_quote = true;
  for (;;) {
    const c = text[at];
    if (c === undefined || is_blank(c)) break;
    const close = may_quote && (c === '"' || c === "'") ? text.indexOf(c, at + 1) : -1;
    if (close !== -1) {
      item += text.slice(at + 1, close);
      at = close + 1;
      continue;
    }
    at++;
    may_quote = c === ',';
    if (c === ',') {
      items.push(item);
      item = '';
    } else {
      item += c;
    }
  }
  items.push(item);
  return { items, end: at };
}

/** `key=value` that `assignments` reads as the same. */
function assignment(key: string, value: ParValue): string {
  return `${key}=${items_of(value)
    .map((item) => quoted(plain_text(item)))
    .join(',')}`;
}

function quoted(text: string): string {
  if (text !== '' && !/[\s,"'#=]/.test(text)) return text;
  // parts that have no double quote, and parts that have nothing else
  const parts = text.match(/[^"]+|"+/g) ?? [''];
  return parts.map((part) => (part.startsWith('"') ? `'${part}'` : `"${part}"`)).join('');
}

function is_blank(c: string): boolean {
  return /\s/.test(c);
}

function end_of(text: string, from: number, mark: string): number {
  const at = text.indexOf(mark, from);
  return at === -1 ? text.length : at;
}

function one_or_list(items: string[]): ParValue {
  return items.length === 1 ? (items[0] as string) : items;
}

function items_of(value: ParValue): readonly Plain[] {
  return typeof value === 'object' ? value : [value];
}

function plain_text(value: Plain): string {
  return typeof value === 'boolean' ? (value ? 'y' : 'n') : String(value);
}

function to_number(value: Plain): number | undefined {
  if (typeof value === 'number') return value;
  if (typeof value === 'boolean' || !NUMBER.test(value)) return undefined;
  return Number(value.replace(/d/i, 'e'));
}

function to_integer(value: Plain): number | undefined {
  const number = to_number(value);
  return Number.isSafeInteger(number) ? number : undefined;
}

function to_logic(value: Plain): boolean | undefined {
  if (typeof value === 'boolean') return value;
  const text = String(value);
  return /^[nf0]/i.test(text) ? false : /^[yt1]/i.test(text) ? true : undefined;
}

function check_key(key: string): void {
  if (typeof key === 'string' && KEY.test(key)) return;
  throw new UsageError(
    `the name of a parameter must be a word without blanks, quotes, commas, = or #, got ${show(key)}`,
  );
}

function check_value(key: string, value: unknown): asserts value is ParValue {
  const items = Array.isArray(value) ? value : [value];
  const bad = items.find((item) => !is_plain(item));
  if (items.length > 0 && items.every(is_plain)) return;
  const got = items.length === 0 ? 'an empty list, which no text can say' : show(bad);
  throw new UsageError(
    `parameter '${key}' must be text without a zero character, a finite number, true or false, or a list of these, got ${got}`,
  );
}

function is_plain(value: unknown): value is Plain {
  // no word of an argv can hold a zero character
  if (typeof value === 'string') return !value.includes('\0');
  return typeof value === 'boolean' || Number.isFinite(value);
}

/** A comment line that says who wrote, from where, and when. */
export function provenance(program: string = basename(process.argv[1] ?? 'parjob')): string {
  let user = 'someone';
  try {
    user = userInfo().username;
  } catch {
    // a user without an entry in the password file
  }
  return `# ${program}: ${user}@${hostname()} ${new Date().toISOString()}`.replace(/\s/g, ' ');
}

async function text_if_there(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  }
}
