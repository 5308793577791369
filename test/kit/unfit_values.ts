/** Values that cannot be sent, with what the error says of each as the first of `args`. */
class Model {}

function* generator(): Generator<number> {
  yield 1;
}

export const UNFIT_VALUES: readonly [what: string, value: unknown, text: string][] = [
  ['a function', { on_done: () => 1 }, 'args[0].on_done is a function'],
  ['a class', [Model], 'args[0][0] is a function'],
  ['a method', { run() {} }, 'args[0].run is a function'],
  ['a symbol', { a: [1, { b: Symbol('s') }] }, 'args[0].a[1].b is a symbol'],
  [
    'a promise',
    { result: Promise.resolve(1) },
    'args[0].result is a Promise, which cannot be sent: await it first',
  ],
  ['a WeakMap', [[new WeakMap()]], 'args[0][0][0] is a WeakMap'],
  ['a WeakSet', new WeakSet(), 'args[0] is a WeakSet'],
  ['a WeakRef', [new WeakRef({})], 'args[0][0] is a WeakRef'],
  ['a generator', { items: generator() }, 'args[0].items is a generator'],
  ['an iterator of a Map', { items: new Map([[1, 2]]).entries() }, 'args[0].items is '],
  ['an iterator of a Set', { items: new Set([1, 2]).values() }, 'args[0].items is '],
  ['a URL', { where: new URL('https://node7/') }, 'args[0].where is a URL'],
  ['an AbortSignal', new AbortController().signal, 'args[0] is a'],
  ['a function among the values of a Map', new Map([['k', () => 1]]), "args[0].get('k') is a function"],
  [
    'a function among the keys of a Map',
    { m: new Map([[() => 1, 1]]) },
    'args[0].m (a key of a Map) is a function',
  ],
  ['a function in a Set', new Set([() => 1]), 'args[0] (an item of a Set) is a function'],
  ['a function with an odd name', { 'on done': () => 1 }, 'args[0]["on done"] is a function'],
  ['a function in an error', Object.assign(new Error('x'), { hook: () => 1 }), 'args[0].hook is a function'],
  ['a function in a cause', new Error('x', { cause: { f: () => 1 } }), 'args[0].cause.f is a function'],
  ['a boxed symbol', [Object(Symbol('s'))], 'args[0][0] is a symbol'],
];

function detached(): ArrayBuffer {
  const buffer = new ArrayBuffer(8);
  structuredClone(buffer, { transfer: [buffer] });
  return buffer;
}

const FAILING = {
  get: () => {
    throw new Error('this cannot be read');
  },
  enumerable: true,
};

function detached_view(): DataView {
  const buffer = new ArrayBuffer(8);
  const view = new DataView(buffer);
  structuredClone(buffer, { transfer: [buffer] });
  return view;
}

function revoked_proxy(): object {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
}

/** Values that throw when they are looked at. */
export const HOSTILE_VALUES: readonly [what: string, value: unknown][] = [
  ['a transferred ArrayBuffer', detached()],
  ['a transferred DataView', detached_view()],
  ['an object with a getter that throws', Object.defineProperty({}, 'trap', FAILING)],
  ['an error with a message that cannot be read', Object.defineProperty(new Error(), 'message', FAILING)],
  ['an error with a name that has no text', Object.assign(new Error(), { name: Object.create(null) })],
  [
    'a function that cannot be shown',
    Object.defineProperty(() => 1, Symbol.for('nodejs.util.inspect.custom'), FAILING),
  ],
  ['a revoked Proxy', revoked_proxy()],
];
