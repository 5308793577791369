/**
 * Restore: the value that graph.ts made a list of nodes of. First an object for every node, then what each
 * refers to; so cycles are nothing special here either. The nodes are the peer's: anything may be in them.
 */
import { ProtocolError } from '../errors.js';
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
      return BigInt(digits(node[1]));
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
  const [, length] = node;
  if (!is_index(length) && length !== 2 ** 32 - 1)
    throw new ProtocolError('a graph has an array of no length');
  const array: unknown[] = [];
  if (length > 0) {
    // far beyond the end V8 makes a dictionary: the array costs what is in it
    if (length > node.length * 4 + 1024) array[length - 1] = undefined;
    array.length = length;
    delete array[length - 1];
  }
  return array;
}

function digits(text: unknown): string {
  if (typeof text === 'string' && text.length <= MAX_DIGITS) return text;
  throw new ProtocolError(`a graph has an integer that is no text of up to ${MAX_DIGITS} digits`);
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

/** Fields of an error that stand before its own in its node. */
const HIDDEN_FIELDS: ReadonlySet<unknown> = new Set(['name', 'message', 'stack', 'cause', 'errors']);

function fill_error(error: Error, node: Node, value_of: (slot: unknown) => unknown): void {
  const [name, message, stack] = [value_of(node[1]), value_of(node[2]), value_of(node[3])];
  for (const text of [name, message, stack]) {
    if (text !== undefined && text !== null && typeof text !== 'string')
      throw new ProtocolError('name, message and stack of an error must be texts');
  }
  for (let i = 7; i < node.length; i += 2) {
    if (HIDDEN_FIELDS.has(value_of(node[i])))
      throw new ProtocolError('an error has a field twice that every error has');
  }
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
