/**
 * Fit values: what may come out of a decoder. Data, of the kinds that PROTOCOL.md lists, and nothing that
 * acts: no function, no accessor, no object with a prototype of its own.
 */

const PLAIN: readonly object[] = [Object.prototype, Array.prototype, Buffer.prototype, Uint8Array.prototype];

const GRAPH: readonly object[] = [
  Map,
  Set,
  Date,
  RegExp,
  Error,
  TypeError,
  RangeError,
  SyntaxError,
  ReferenceError,
  EvalError,
  URIError,
  AggregateError,
  ArrayBuffer,
  DataView,
  Int8Array,
  Uint8ClampedArray,
  Int16Array,
  Uint16Array,
  Int32Array,
  Uint32Array,
  Float32Array,
  Float64Array,
  BigInt64Array,
  BigUint64Array,
  Number,
  String,
  Boolean,
  BigInt,
].map(({ prototype }) => prototype);

const PLAIN_PROTOTYPES: ReadonlySet<object> = new Set(PLAIN);
const ALL_PROTOTYPES: ReadonlySet<object> = new Set([...PLAIN, ...GRAPH]);

/** Objects of one value that are looked at. */
const MAX_OBJECTS = 50_000;
/** Items of a binary that count for the digest. */
const MAX_BYTES = 64;

/** Thrown for a value that no decoder may give. */
class UnfitValueError extends Error {
  override readonly name = 'UnfitValueError';
}

/**
 * Looks at all that can be reached from `value`.
 * @param is_plain whether only msgpack's own kinds may be in it
 * @returns a digest: two values with different ones differ
 * @throws UnfitValueError
 */
export function check_fit(value: unknown, is_plain = false): number {
  return new Look(is_plain ? PLAIN_PROTOTYPES : ALL_PROTOTYPES).digest(value);
}

class Look {
  readonly #prototypes: ReadonlySet<object>;
  readonly #met = new Set<object>();
  readonly #left: object[] = [];
  #hash = 0x811c9dc5;

  constructor(prototypes: ReadonlySet<object>) {
    this.#prototypes = prototypes;
  }

  digest(value: unknown): number {
    this.#take(value);
    for (let object = this.#left.pop(); object !== undefined; object = this.#left.pop()) this.#open(object);
    return this.#hash;
  }

  #mix(number: number): void {
    this.#hash = Math.imul(this.#hash ^ number, 0x01000193);
  }

  #mix_text(text: string): void {
    this.#mix(text.length);
    for (let i = 0; i < text.length && i < MAX_BYTES; i++) this.#mix(text.charCodeAt(i));
  }

  #take(value: unknown): void {
    switch (typeof value) {
      case 'function':
        throw new UnfitValueError(`a value holds the function ${value.name}`);
      case 'symbol':
        throw new UnfitValueError('a value holds a symbol');
      case 'string':
        return this.#mix_text(value);
      case 'object':
        if (value === null || this.#met.size >= MAX_OBJECTS) return this.#mix(1);
        if (this.#met.has(value)) return this.#mix(2);
        this.#met.add(value);
        this.#left.push(value);
        return;
      case 'number':
        if (Number.isInteger(value)) return this.#mix((value % 2 ** 31) | 0);
        return this.#mix_text(String(value));
      default:
        return this.#mix_text(String(value));
    }
  }

  #open(object: object): void {
    const prototype: object = Object.getPrototypeOf(object);
    if (!this.#prototypes.has(prototype)) {
      throw new UnfitValueError(`a value holds an object of ${prototype?.constructor?.name ?? 'no class'}`);
    }
    if (ArrayBuffer.isView(object) || object instanceof ArrayBuffer) return this.#open_binary(object);
    if (object instanceof Map) {
      for (const [key, value] of object) {
        this.#take(key);
        this.#take(value);
      }
    } else if (object instanceof Set) {
      for (const item of object) this.#take(item);
    } else if (object instanceof Date) {
      this.#take(object.getTime());
    } else if (object instanceof RegExp) {
      this.#take(object.source);
    } else if (object instanceof Error) {
      // an Error has fields that cannot be enumerated; its stack may be an accessor of V8's, but must be data
      for (const key of ['name', 'message', 'stack', 'cause', 'errors'] as const) {
        if (Object.hasOwn(object, key)) this.#take((object as unknown as Record<string, unknown>)[key]);
      }
    }
    this.#open_fields(object);
  }

  #open_fields(object: object): void {
    if (Object.getOwnPropertySymbols(object).length > 0)
      throw new UnfitValueError('a value has a symbol as a key');
    for (const key of Object.keys(object)) {
      const descriptor = Object.getOwnPropertyDescriptor(object, key) as PropertyDescriptor;
      if (descriptor.get !== undefined || descriptor.set !== undefined)
        throw new UnfitValueError(`a value has an accessor, ${key}`);
      this.#mix_text(key);
      this.#take(descriptor.value);
    }
  }

  #open_binary(binary: ArrayBuffer | ArrayBufferView): void {
    const is_view = ArrayBuffer.isView(binary);
    const bytes = is_view
      ? new Uint8Array(binary.buffer, binary.byteOffset, binary.byteLength)
      : new Uint8Array(binary);
    this.#mix(bytes.length);
    for (let i = 0; i < bytes.length && i < MAX_BYTES; i++) this.#mix(bytes[i] as number);
  }
}
