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
import { ProtocolError, UsageError } from '../errors.js';

/** From here on a binary value travels beside the body, neither encoded nor copied by the sender. */
export const ATTACH_BYTES = 16 * 1024;

const OBJECT = 0;
const ARRAY = 1;
const SPARSE_ARRAY = 2;
const MAP = 3;
const SET = 4;
const DATE = 5;
const REG_EXP = 6;
const BIG_INT = 7;
const ERROR = 8;
const BINARY = 9;
const ATTACHED = 10;
const BOXED = 11;
const STRING_16 = 12;
const NEGATIVE_ZERO = 13;

type Node = unknown[];

/** A value as a list of nodes, and the binaries that travel beside it. */
export interface Graph {
  nodes: unknown[];
  attachments: Uint8Array[];
}

const ERROR_CLASSES: Readonly<Record<string, ErrorConstructor>> = {
  Error,
  TypeError,
  RangeError,
  SyntaxError,
  ReferenceError,
  EvalError,
  URIError,
};

const VIEW_CLASSES = {
  Int8Array,
  Uint8Array,
  Uint8ClampedArray,
  Int16Array,
  Uint16Array,
  Int32Array,
  Uint32Array,
  Float32Array,
  Float64Array,
  BigInt64Array,
  BigUint64Array,
  DataView,
} as const;

interface ViewConstructor {
  readonly BYTES_PER_ELEMENT?: number;
  new (buffer: ArrayBuffer, offset: number, length: number): ArrayBufferView;
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
    if (typeof value === 'bigint') return [BIG_INT, value.toString()];
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

function is_index(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value < 2 ** 32 - 1;
}

/** Any value as a text, whatever its own methods do. */
export function text_of(value: unknown): string {
  try {
    return inspect(value, { depth: 0, breakLength: Infinity });
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

/** Takes the attachments of a frame, one after another, in the order in which they were sent. */
export class AttachmentCursor {
  readonly #attachments: readonly Uint8Array[];
  #next = 0;

  constructor(attachments: readonly Uint8Array[]) {
    this.#attachments = attachments;
  }

  take(): Uint8Array {
    const attachment = this.#attachments[this.#next++];
    if (attachment === undefined)
      throw new ProtocolError('a message refers to an attachment that its frame does not have');
    return attachment;
  }
}

/**
 * Rebuilds the value that was flattened to `nodes`.
 * @throws ProtocolError (PARJOB_ERR_PROTOCOL) when the nodes are not those of a value
 */
export function restore(nodes: unknown, attachments: AttachmentCursor): unknown {
  if (!Array.isArray(nodes))
    throw new ProtocolError(`a graph must be an array of nodes, got ${typeof nodes}`);
  const values: unknown[] = [undefined];
  for (let id = 1; id < nodes.length; id++) values.push(shell(as_node(nodes[id]), attachments));
  const value_of = (slot: unknown): unknown => {
    if (!Array.isArray(slot)) return slot;
    const id: unknown = slot[0];
    if (!is_index(id) || id === 0 || id >= values.length)
      throw new ProtocolError(`a graph refers to node ${String(id)}, which it does not have`);
    return values[id];
  };
  for (let id = 1; id < nodes.length; id++) {
    const node = as_node(nodes[id]);
    if (node[0] === BOXED) values[id] = Object(value_of(node[1]));
  }
  for (let id = 1; id < nodes.length; id++) fill(values[id], as_node(nodes[id]), value_of);
  return value_of(nodes[0]);
}

function as_node(node: unknown): Node {
  if (!Array.isArray(node)) throw new ProtocolError('a node of a graph must be an array');
  return node;
}

/** The object of a node, without what it refers to. */
function shell(node: Node, attachments: AttachmentCursor): unknown {
  switch (node[0]) {
    case OBJECT:
    case BOXED:
      return {};
    case ARRAY:
      return [];
    case SPARSE_ARRAY:
      return sparse_array(node);
    case MAP:
      return new Map();
    case SET:
      return new Set();
    case DATE:
      return new Date(node[1] as number);
    case REG_EXP: {
      const reg_exp = new RegExp(String(node[1]), String(node[2]));
      reg_exp.lastIndex = Number(node[3]);
      return reg_exp;
    }
    case BIG_INT:
      return BigInt(String(node[1]));
    case ERROR:
      return error_shell(node);
    case BINARY:
      if (!(node[2] instanceof Uint8Array))
        throw new ProtocolError('a binary node of a graph must hold bytes');
      return binary(String(node[1]), new Uint8Array(node[2]));
    case ATTACHED:
      return binary(String(node[1]), attachments.take());
    case STRING_16:
      return Buffer.from(node[1] as Uint8Array).toString('utf16le');
    case NEGATIVE_ZERO:
      return -0;
    default:
      throw new ProtocolError(`a graph has a node with the unknown tag ${String(node[0])}`);
  }
}

function sparse_array(node: Node): unknown[] {
  for (let i = 2; i < node.length; i += 2) {
    if (!is_index(node[i])) throw new ProtocolError(`a graph has an array with the place ${String(node[i])}`);
  }
  return new Array(node[1] as number);
}

function error_shell(node: Node): Error {
  if (node[6] !== null) return new AggregateError([]);
  const ERROR_CLASS = Object.hasOwn(ERROR_CLASSES, String(node[1]))
    ? ERROR_CLASSES[String(node[1])]
    : undefined;
  return new (ERROR_CLASS ?? Error)();
}

function binary(class_name: string, bytes: Uint8Array): unknown {
  if (class_name === 'Buffer') return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (class_name === 'ArrayBuffer') return own_buffer(bytes);
  if (!Object.hasOwn(VIEW_CLASSES, class_name))
    throw new ProtocolError(`a graph has a binary of the unknown class ${class_name}`);
  const VIEW = VIEW_CLASSES[class_name as keyof typeof VIEW_CLASSES] as ViewConstructor;
  const size = VIEW.BYTES_PER_ELEMENT ?? 1;
  return new VIEW(own_buffer(bytes), 0, bytes.byteLength / size);
}

/** The ArrayBuffer that holds just these bytes. */
function own_buffer(bytes: Uint8Array): ArrayBuffer {
  const { buffer } = bytes;
  if (buffer instanceof ArrayBuffer && bytes.byteOffset === 0 && bytes.byteLength === buffer.byteLength)
    return buffer;
  return new Uint8Array(bytes).buffer;
}

function fill(value: unknown, node: Node, value_of: (slot: unknown) => unknown): void {
  switch (node[0]) {
    case OBJECT:
      set_fields(value as object, node, 1, value_of);
      return;
    case ARRAY:
      for (let i = 1; i < node.length; i++) (value as unknown[]).push(value_of(node[i]));
      return;
    case SPARSE_ARRAY:
      for (let i = 2; i < node.length; i += 2)
        (value as unknown[])[node[i] as number] = value_of(node[i + 1]);
      return;
    case MAP:
      for (let i = 1; i < node.length; i += 2)
        (value as Map<unknown, unknown>).set(value_of(node[i]), value_of(node[i + 1]));
      return;
    case SET:
      for (let i = 1; i < node.length; i++) (value as Set<unknown>).add(value_of(node[i]));
      return;
    case ERROR:
      fill_error(value as Error, node, value_of);
  }
}

function fill_error(error: Error, node: Node, value_of: (slot: unknown) => unknown): void {
  const [name, message, stack] = [value_of(node[1]), value_of(node[2]), value_of(node[3])];
  const hidden = (key: string, field: unknown) =>
    Object.defineProperty(error, key, {
      value: field,
      writable: true,
      configurable: true,
      enumerable: false,
    });
  hidden('message', message ?? '');
  hidden('stack', stack);
  if (name !== error.name) hidden('name', name);
  if (node[4] === true) hidden('cause', value_of(node[5]));
  if (error instanceof AggregateError) hidden('errors', value_of(node[6]));
  set_fields(error, node, 7, value_of);
}

/** Sets fields in pairs from `start` on. `__proto__` becomes a field like any other. */
function set_fields(target: object, node: Node, start: number, value_of: (slot: unknown) => unknown): void {
  for (let i = start; i < node.length; i += 2) {
    const key = String(value_of(node[i]));
    const value = value_of(node[i + 1]);
    if (key === '__proto__') {
      Object.defineProperty(target, key, { value, writable: true, enumerable: true, configurable: true });
    } else {
      (target as Record<string, unknown>)[key] = value;
    }
  }
}
