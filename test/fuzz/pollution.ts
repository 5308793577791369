/** Pollution: whether an input has changed what all objects of the process inherit from. */

const SHARED: readonly object[] = [
  Object,
  Array,
  Function,
  Map,
  Set,
  Date,
  RegExp,
  Error,
  TypeError,
  AggregateError,
  String,
  Number,
  Boolean,
  BigInt,
  Symbol,
  Promise,
  ArrayBuffer,
  Uint8Array,
  Float64Array,
  DataView,
  Buffer,
].flatMap((maker) => [maker, maker.prototype]);

type Descriptors = Record<PropertyKey, PropertyDescriptor>;

function descriptors_of(shared: object): Descriptors {
  return Object.getOwnPropertyDescriptors(shared) as Descriptors;
}

export class Pollution {
  readonly #before = SHARED.map(descriptors_of);
  readonly #globals = new Set(Reflect.ownKeys(globalThis));

  /** A field that every array has all of a sudden: fast, but it sees only what was assigned. */
  glance(): string | undefined {
    for (const key in []) return key;
    return undefined;
  }

  /** What has changed since this was made; undefined when nothing has. */
  find(): string | undefined {
    for (const [i, shared] of SHARED.entries()) {
      const now = descriptors_of(shared);
      const before = this.#before[i] as Descriptors;
      for (const key of new Set([...Reflect.ownKeys(now), ...Reflect.ownKeys(before)])) {
        if (!is_same(before[key], now[key])) return `field ${String(key)} of ${name_of(shared)}`;
      }
    }
    const stray = Reflect.ownKeys(globalThis).find((key) => !this.#globals.has(key));
    return stray === undefined ? undefined : `the global ${String(stray)}`;
  }
}

function is_same(a: PropertyDescriptor | undefined, b: PropertyDescriptor | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return Object.is(a.value, b.value) && a.get === b.get && a.set === b.set && a.enumerable === b.enumerable;
}

function name_of(shared: object): string {
  if (typeof shared === 'function') return shared.name;
  return `${(shared.constructor as { name?: string } | undefined)?.name}.prototype`;
}
