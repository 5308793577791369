/**
 * Graphs: any value that structuredClone keeps, as a flat list of nodes that plain msgpack can hold.
 *
 *     { m: new Map([[1, a]]), a }   ─▶   [ [1], [OBJECT, 'm', [2], 'a', [3]], [MAP, 1, [3]], [ARRAY, ...] ]
 *
 * The first item is the root; each further item is one object, `[tag, ...]`, and `[i]` refers to item i.
 * So an object that stands in two places stays one object, cycles are nothing special, and nothing
 * recurses however deep the value is. Binary values of ATTACH_BYTES and more are put beside the list,
 * in the order of their nodes.
 *
 * Kept: plain objects, arrays (holes too), Map, Set, Date, RegExp, bigint, -0, Error (name, message,
 * stack, cause, own fields), ArrayBuffer, typed arrays, DataView, Buffer, boxed primitives. An instance
 * of a class arrives as a plain object. A view travels alone: two views of one ArrayBuffer arrive with
 * two. Extra properties of arrays are dropped.
 */
import { inspect, types } from 'node:util';
import { UsageError } from '../errors.js';
import {
  ARRAY,
  ATTACHED,
  BIG_INT,
  BINARY,
  BOXED,
  DATE,
  ERROR,
  is_index,
  MAP,
  MAX_DIGITS,
  NEGATIVE_ZERO,
  type Node,
  OBJECT,
  REG_EXP,
  SET,
  SPARSE_ARRAY,
  STRING_16,
} from './graph_node.js';

/** From here on a binary value travels beside the body, neither encoded nor copied by the sender. */
export const ATTACH_BYTES = 16 * 1024;

/** A value as a list of nodes, and the binaries that travel beside it. */
export interface Graph {
  nodes: unknown[];
  attachments: Uint8Array[];
}

/** Turns `value` into nodes. One flattener serves one value. */
class Flattener {
  /** Strings stand for values that cannot be sent, in place of the error: for what a task threw. */
  readonly #lenient: boolean;
  readonly #root_name: string;
  readonly #ids = new Map<unknown, number>();
  readonly #values: unknown[] = [undefined];
  /** For the path in an error: who refers to item i first, and under which name. */
  readonly #parents: number[] = [0];
  readonly #keys: string[] = [''];
  readonly #attachments: Uint8Array[] = [];

  constructor(root_name: string, lenient: boolean) {
    this.#root_name = root_name;
    this.#lenient = lenient;
  }

  flatten(root: unknown): Graph {
    const nodes: unknown[] = [this.#slot(root, 0, '')];
    for (let id = 1; id < this.#values.length; id++) {
      const value = this.#values[id];
      nodes.push(this.#lenient ? this.#node_or_text(id, value) : this.#node(id, value));
    }
    return { nodes, attachments: this.#attachments };
  }

  /** What stands for `value` within a node: a primitive itself, or `[i]`. */
  #slot(value: unknown, parent: number, key: string): unknown {
    switch (typeof value) {
      case 'string':
        return value.isWellFormed() ? value : this.#refer(value, parent, key);
      case 'number':
        return Object.is(value, -0) ? this.#refer(value, parent, key) : value;
      case 'bigint':
        return this.#refer(value, parent, key);
      case 'boolean':
      case 'undefined':
        return value;
      case 'object':
        return value === null ? null : this.#refer(value, parent, key);
      case 'symbol':
        return this.#refuse('a symbol', value, parent, key);
      case 'function':
        return this.#refuse('a function', value, parent, key);
    }
  }

  #refer(value: unknown, parent: number, key: string): [number] | string {
    let id = this.#ids.get(value);
    if (id === undefined) {
      if (typeof value === 'object' && value !== null) {
        const unfit = this.#lenient ? unfit_or_hostile(value) : what_is_unfit(value);
        if (unfit !== undefined) return this.#refuse(unfit, value, parent, key);
      }
      id = this.#values.length;
      this.#ids.set(value, id);
      this.#values.push(value);
      this.#parents.push(parent);
      this.#keys.push(key);
    }
    return [id];
  }

  #refuse(what: string, value: unknown, parent: number, key: string): string {
    if (this.#lenient) return `[${text_of(value)}]`;
    const remedy = what.startsWith('a Promise') ? 'await it first' : 'send plain data, or its parts';
    throw new UsageError(`${this.#path(parent, key)} is ${what}, which cannot be sent: ${remedy}`);
  }

  #path(parent: number, key: string): string {
    const parts: string[] = [];
    for (let [id, name] = [parent, key]; ; [id, name] = [this.#parents[id] ?? 0, this.#keys[id] ?? '']) {
      if (name !== '') parts.unshift(name);
      if (id === 0) return this.#root_name + parts.join('');
    }
  }

  /** A getter, a Proxy or a toString of the user's may throw. */
  #node_or_text(id: number, value: unknown): Node {
    try {
      return this.#node(id, value);
    } catch {
      return [STRING_16, Buffer.from(text_of(value), 'utf16le')];
    }
  }

  #node(id: number, value: unknown): Node {
    if (typeof value === 'bigint') return this.#integer_node(id, value);
    if (typeof value === 'string') return [STRING_16, Buffer.from(value, 'utf16le')];
    if (typeof value === 'number') return [NEGATIVE_ZERO];
    if (Array.isArray(value)) return this.#array_node(id, value);
    if (ArrayBuffer.isView(value) || types.isAnyArrayBuffer(value)) return this.#binary_node(value);
    if (types.isMap(value)) {
      const node: Node = [MAP];
      for (const [k, v] of value)
        node.push(this.#slot(k, id, ' (a key of a Map)'), this.#slot(v, id, `.get(${inspect(k)})`));
      return node;
    }
    if (types.isSet(value)) {
      const node: Node = [SET];
      for (const item of value) node.push(this.#slot(item, id, ' (an item of a Set)'));
      return node;
    }
    if (types.isDate(value)) return [DATE, value.getTime()];
    if (types.isRegExp(value)) return [REG_EXP, value.source, value.flags, value.lastIndex];
    if (value instanceof Error) return this.#error_node(id, value);
    if (types.isBoxedPrimitive(value)) return [BOXED, this.#slot(value.valueOf(), id, '')];
    return this.#fields([OBJECT], id, value as Record<string, unknown>);
  }

  #fields(node: Node, id: number, value: object): Node {
    for (const [key, field] of Object.entries(value)) {
      node.push(this.#slot(key, id, key), this.#slot(field, id, name_of(key)));
    }
    return node;
  }

  #array_node(id: number, array: unknown[]): Node {
    if (!has_holes(array)) {
      const node: Node = [ARRAY];
      for (const [i, item] of array.entries()) node.push(this.#slot(item, id, `[${i}]`));
      return node;
    }
    const node: Node = [SPARSE_ARRAY, array.length];
    // a sparse array costs what is in it, not its length
    for (const key of Object.keys(array)) {
      const i = Number(key);
      if (is_index(i)) node.push(i, this.#slot(array[i], id, `[${i}]`));
    }
    return node;
  }

  #integer_node(id: number, value: bigint): Node {
    const digits = value.toString();
    if (digits.length > MAX_DIGITS) {
      const what = `an integer of more than ${MAX_DIGITS} digits`;
      this.#refuse(what, value, this.#parents[id] ?? 0, this.#keys[id] ?? '');
    }
    return [BIG_INT, digits.slice(0, MAX_DIGITS)];
  }

  #error_node(id: number, error: Error): Node {
    const text = (value: unknown) => (value === undefined ? undefined : String(value));
    const node: Node = [
      ERROR,
      this.#slot(text(error.name), id, '.name'),
      this.#slot(text(error.message), id, '.message'),
      this.#slot(text(error.stack), id, '.stack'),
      Object.hasOwn(error, 'cause'),
      this.#slot(error.cause, id, '.cause'),
      error instanceof AggregateError ? this.#slot(error.errors, id, '.errors') : null,
    ];
    const {
      stack: _stack,
      message: _message,
      cause: _cause,
      errors: _errors,
      name: _name,
      ...own
    } = error as Error & { errors?: unknown };
    return this.#fields(node, id, own);
  }

  #binary_node(value: ArrayBufferLike | ArrayBufferView): Node {
    const is_view = ArrayBuffer.isView(value);
    const buffer = is_view ? value.buffer : value;
    let bytes = is_view ? new Uint8Array(buffer, value.byteOffset, value.byteLength) : new Uint8Array(buffer);
    if (types.isSharedArrayBuffer(buffer)) bytes = new Uint8Array(bytes);
    const class_name = !is_view ? 'ArrayBuffer' : Buffer.isBuffer(value) ? 'Buffer' : view_name(value);
    if (bytes.byteLength < ATTACH_BYTES) return [BINARY, class_name, bytes];
    this.#attachments.push(bytes);
    return [ATTACHED, class_name];
  }
}

/**
 * Flattens `value`. Its name in an error is `root_name`: `args[0].on_done is a function`.
 * @throws UsageError (PARJOB_ERR_USAGE) when something in it cannot be sent, unless `lenient`, which sends a text in its place
 */
export function flatten(value: unknown, root_name: string, lenient: boolean): Graph {
  return new Flattener(root_name, lenient).flatten(value);
}

function has_holes(array: unknown[]): boolean {
  for (let i = 0; i < array.length; i++) if (!(i in array)) return true;
  return false;
}

/** Any value as a text, whatever its own methods do. */
export function text_of(value: unknown): string {
  try {
    return inspect(value, {
      depth: 0,
      breakLength: Infinity,
      maxArrayLength: 20,
      maxStringLength: 200,
    }).slice(0, 400);
  } catch {
    return `a ${typeof value} that cannot be shown`;
  }
}

function view_name(view: ArrayBufferView): string {
  return Object.prototype.toString.call(view).slice('[object '.length, -1);
}

function name_of(key: string): string {
  return /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`;
}

const WORDS: Readonly<Record<string, string>> = { Generator: 'generator', AsyncGenerator: 'generator' };

/** Built-in objects whose state lies in slots that nobody can read, such as a Promise or a URL, would arrive empty. */
function what_is_unfit(value: object): string | undefined {
  if (Array.isArray(value) || types.isNativeError(value) || value instanceof Error) return undefined;
  if (ArrayBuffer.isView(value) || types.isAnyArrayBuffer(value))
    return is_detached(value) ? 'a detached ArrayBuffer' : undefined;
  if (
    types.isMap(value) ||
    types.isSet(value) ||
    types.isDate(value) ||
    types.isRegExp(value) ||
    types.isBoxedPrimitive(value)
  ) {
    return undefined;
  }
  if (value instanceof WeakRef) return 'a WeakRef';
  if (types.isExternal(value)) return 'a native object';
  const tag = Object.prototype.toString.call(value).slice('[object '.length, -1);
  if (tag === 'Object' || tag === 'Arguments' || Object.keys(value).length > 0) return undefined;
  return `a ${WORDS[tag] ?? tag}`;
}

function unfit_or_hostile(value: object): string | undefined {
  try {
    return what_is_unfit(value);
  } catch {
    return 'a hostile object';
  }
}

function is_detached(value: ArrayBufferLike | ArrayBufferView): boolean {
  try {
    if (value.byteLength > 0) return false;
    new Uint8Array(ArrayBuffer.isView(value) ? value.buffer : value);
    return false;
  } catch {
    return true;
  }
}
