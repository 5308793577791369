/**
 * Snippets: what a peer with bad intentions would put somewhere. Numbers and heads at the borders of what
 * fits, whole msgpack items, and tokens of JSON lines.
 */
import { Packr } from 'msgpackr';

export const BYTES: readonly number[] = [
  0, 1, 2, 0x0f, 0x20, 0x3f, 0x40, 0x7e, 0x7f, 0x80, 0x81, 0x8f, 0x90, 0x91, 0x92, 0x9f, 0xa0, 0xa1, 0xbf,
  0xc0, 0xc1, 0xc2, 0xc3, 0xc4, 0xc6, 0xc7, 0xc9, 0xca, 0xcb, 0xcc, 0xce, 0xcf, 0xd0, 0xd3, 0xd4, 0xd5, 0xd6,
  0xd8, 0xd9, 0xdb, 0xdc, 0xdd, 0xde, 0xdf, 0xe0, 0xfe, 0xff,
];

export const NUMBERS: readonly number[] = [
  0, 1, 2, 3, 4, 7, 8, 9, 15, 16, 31, 32, 63, 64, 127, 128, 255, 256, 1023, 1024, 4095, 4096, 32767, 32768,
  65535, 65536, 1_000_000, 0x00ffffff, 0x01ffffff, 0x02000000, 0x3fffffff, 0x7fffffff, 0x80000000, 0xfffffffe,
  0xffffffff,
];

function hex(text: string): Buffer {
  return Buffer.from(text.replaceAll(' ', ''), 'hex');
}

function utf8(text: string): string {
  return Buffer.from(text).toString('hex');
}

/** `fixstr` of at most 31 bytes. */
function str(text: string): string {
  return (0xa0 + Buffer.byteLength(text)).toString(16) + utf8(text);
}

const packr = new Packr({ useRecords: false });

/** Whole msgpack items. */
export const ITEMS: readonly Buffer[] = [
  // plain ones
  ...[0, 1, -1, 64, 127, 128, 1.5, -0.5, Number.NaN, Infinity, 2 ** 32, 2 ** 53, -(2 ** 31)].map((n) =>
    Buffer.from(packr.pack(n)),
  ),
  ...NUMBERS.map((n) => hex(`ce${n.toString(16).padStart(8, '0')}`)),
  ...['', 'a', 'Error', 'Buffer', 'Float64Array', 'DataView', 'v'.repeat(70), '__proto__'].map((text) =>
    Buffer.from(packr.pack(text)),
  ),
  ...['c0', 'c2', 'c3', '80', '90', '9100', '9101', '9102', '91cc80', '81a16100', '91910d'].map(hex),
  hex('cfffffffffffffffff'),
  hex('d38000000000000000'),
  hex('cb7ff0000000000000'),
  hex('c403010203'),
  hex('c400'),
  // keys that are more than keys elsewhere
  ...[
    '__proto__',
    'constructor',
    'prototype',
    'toJSON',
    'then',
    'toString',
    'valueOf',
    'length',
    'stack',
  ].map((key) => hex(`81${str(key)}81${str('polluted')}01`)),
  hex(`82${str('constructor')}81${str('prototype')}81${str('polluted')}01${str('then')}01`),
  hex(`82${str('toString')}01${str('valueOf')}01`),
  // nodes of graphs
  hex(`9300${str('__proto__')}9101`),
  hex(`9500${str('__proto__')}9101${str('constructor')}9102`),
  hex('9302ce01ffffff00'),
  hex('9402ceffffffff00c0'),
  hex('9402ce0000000ace00fffffe01'),
  hex(`9206${str('(a+)+$')}`),
  hex(`9406${str('(((((((((')}${str('')}00`),
  hex(`9207${str('9'.repeat(30))}`),
  hex(`9408${str('constructor')}c0c0`),
  hex(`9708${str('valueOf')}c0c0c2c0c0`),
  hex(`9309${str('constructor')}c40101`),
  hex(`9309${str('Float64Array')}c403010203`),
  hex(`920a${str('Float64Array')}`),
  hex(`920a${str('__proto__')}`),
  hex('920b9101'),
  hex('9303 9101 9101'),
  // claims that nothing follows
  ...['c6ffffffff', 'c900ffffff65', 'dbffffffff', 'db00ffffff', 'ddffffffff', 'dd01ffffff', 'dd0000ffff'].map(
    hex,
  ),
  ...[
    'dfffffffff',
    'df00007fff',
    'dcffff',
    'deffff',
    'daffff',
    'c5ffff',
    'd9ff',
    'c4ff',
    'bf',
    '9f',
    '8f',
  ].map(hex),
  // extensions: ours is 0, all others are msgpackr's or nobody's
  ...[
    'd40000',
    'd40100',
    'd400ff',
    'c70000',
    'c1',
    'd4c100',
    'd47f00',
    'd6ff00000001',
    'd7ff0000000000000001',
  ].map(hex),
  hex('c70cff000000010000000000000001'),
  hex('c7004291'),
  hex('c70942ffffffffffffffffff'),
  ...['Error', 'valueOf', 'constructor', '__proto__', 'toString', 'Function', 'eval', '__defineGetter__'].map(
    (name) => hex(`c70065 93${str(name)}${str('throw 1')}c0`),
  ),
  hex('d473 00 92 01 02'),
  hex(`d478 00 92 ${str('(a+)+')} ${str('g')}`),
  hex('c70374 01 0102'),
  hex('c70474 08 010203'),
  hex('c70174 10'),
  // records, and references
  hex(`d47240 92 ${str('a')} ${str('b')} 01 02`),
  hex(`d47240 91 ${str('__proto__')} 81 ${str('x')} 01`),
  hex(`d57240 00 91 ${str('constructor')} 01`),
  hex(`d47241 91 ${str('r){};polluted=1;//')} 01`),
  hex('d66900000001 91 d67000000001'),
  hex('d66900000001 92 d67000000001 d67000000001'),
  hex('d66900000002 92 d67000000001 d67000000001'),
  hex('d67000000001'),
  bomb(),
  hex('d66900000001 81 a161 d67000000001'),
  // bundled strings, which may stand elsewhere
  hex('d66200000004 91 c1'),
  hex('d662ffffff00 92 c101 c101'),
  hex('d6627fffffff 90'),
  hex('d66200000001 91 c1 01 a161 a162'),
  // the first of two lies behind the body, the second where it should
  hex('92 d66200000120 c105 d66200000006 c101 a161 a162'),
  hex('92 d662000000c0 c101 d66200000006 c101 a161 a162'),
];

/** An array of 20 arrays, each of which refers twice to the one before: 2^20 when someone writes it out. */
function bomb(): Buffer {
  const reference = (type: number, id: number) => Buffer.from([0xd6, type, 0, 0, 0, id]);
  const parts = [hex('dc0014'), reference(0x69, 0), hex('90')];
  for (let id = 1; id < 20; id++)
    parts.push(reference(0x69, id), hex('92'), reference(0x70, id - 1), reference(0x70, id - 1));
  return Buffer.concat(parts);
}

/** What may stand as a value, a key or a whole line of JSON. */
export const JSON_TOKENS: readonly string[] = [
  '0',
  '-1',
  '1e999',
  '1.5',
  '4294967295',
  '4294967296',
  '9007199254740993',
  'null',
  'true',
  '[]',
  '{}',
  '""',
  '"__proto__"',
  '"../../etc/passwd"',
  '"\\u0000"',
  '"\\ud800"',
  '{"__proto__":{"polluted":1}}',
  '{"constructor":{"prototype":{"polluted":1}}}',
  '{"toJSON":1,"then":1}',
  '[[[[[[[[[[]]]]]]]]]]',
  '"done"',
  '"failed"',
  '"queued"',
  '"function"',
  '"finished"',
  `"${'a'.repeat(600)}"`,
];
