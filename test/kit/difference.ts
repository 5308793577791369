/**
 * Difference: compares two graphs of values object by object, and says where they first differ.
 *
 * It is stricter than toStrictEqual: holes, -0, invalid dates, lone surrogates, class of a binary, and
 * above all identity: what is one object on the left must be one object on the right, and no more. Of an
 * Error it compares the name, not the class. It does not recurse, so depth is no limit.
 */
type Pair = [left: unknown, right: unknown, where: string];

/** Undefined when `left` and `right` are alike. */
export function difference(left: unknown, right: unknown): string | undefined {
  const partners = new Map<object, object>();
  const taken = new Set<object>();
  const todo: Pair[] = [[left, right, 'the root']];
  for (let pair = todo.pop(); pair !== undefined; pair = todo.pop()) {
    const [a, b, where] = pair;
    if (typeof a !== 'object' || a === null || typeof b !== 'object' || b === null) {
      if (!Object.is(a, b)) return `${where}: ${String(a)} became ${String(b)}`;
      continue;
    }
    const partner = partners.get(a);
    if (partner !== undefined) {
      if (partner !== b) return `${where}: one object became two`;
      continue;
    }
    if (taken.has(b)) return `${where}: two objects became one`;
    partners.set(a, b);
    taken.add(b);
    if (class_of(a) !== class_of(b)) return `${where}: ${class_of(a)} became ${class_of(b)}`;
    if (is_binary(a) && is_binary(b)) {
      if (!bytes_of(a).equals(bytes_of(b))) return `${where}: its bytes differ`;
      continue;
    }
    const [mine, theirs] = [parts_of(a), parts_of(b)];
    if (mine.length !== theirs.length)
      return `${where}: its ${mine.length} parts became ${theirs.length}: ${names(mine)}, ${names(theirs)}`;
    for (const [i, [name, part]] of mine.entries()) {
      const [other_name, other_part] = theirs[i] as Part;
      if (name !== other_name) return `${where}: the part ${name} became ${other_name}`;
      todo.push([part, other_part, name]);
    }
  }
  return undefined;
}

type Part = [name: string, value: unknown];

function names(parts: readonly Part[]): string {
  return parts.map(([name]) => name).join(' ');
}

function class_of(value: object): string {
  if (Buffer.isBuffer(value)) return 'Buffer';
  return Object.prototype.toString.call(value);
}

function parts_of(value: object): Part[] {
  if (value instanceof Map)
    return [...value].flatMap(([k, v], i): Part[] => [
      [`key ${i}`, k],
      [`value ${i}`, v],
    ]);
  if (value instanceof Set) return [...value].map((item, i): Part => [`item ${i}`, item]);
  if (value instanceof Date) return [['time', value.getTime()]];
  if (value instanceof RegExp)
    return [
      ['source', value.source],
      ['flags', value.flags],
      ['lastIndex', value.lastIndex],
    ];
  if (
    value instanceof String ||
    value instanceof Number ||
    value instanceof Boolean ||
    value instanceof BigInt
  )
    return [['primitive', value.valueOf()]];
  const own = Object.keys(value).map(
    (key): Part => [`.${key}`, Object.getOwnPropertyDescriptor(value, key)?.value],
  );
  if (Array.isArray(value)) return [['length', value.length], ...own];
  if (!(value instanceof Error)) return own;
  const cause: Part[] = Object.hasOwn(value, 'cause') ? [['cause', value.cause]] : [];
  const errors: Part[] = value instanceof AggregateError ? [['errors', value.errors]] : [];
  return [
    ['name', value.name],
    ['message', value.message],
    ['stack', value.stack],
    ...cause,
    ...errors,
    ...own,
  ];
}

type Binary = ArrayBuffer | ArrayBufferView;

function is_binary(value: object): value is Binary {
  return ArrayBuffer.isView(value) || value instanceof ArrayBuffer;
}

function bytes_of(value: Binary): Buffer {
  if (!ArrayBuffer.isView(value)) return Buffer.from(value);
  return Buffer.from(value.buffer as ArrayBuffer, value.byteOffset, value.byteLength);
}
