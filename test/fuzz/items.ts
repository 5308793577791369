/** Items: where each msgpack item of a body begins and ends. Lengths that lie end the search, nothing else. */

/** Enough to choose from; a body may have many more. */
const MAX_ITEMS = 256;
const MAX_DEPTH = 64;

/** Begin and end of each item, the containers before what is in them. */
export type Items = readonly (readonly [start: number, end: number])[];

export function items_of(bytes: Buffer, start = 0): Items {
  const items: [number, number][] = [];
  walk(bytes, start, 0, items);
  return items;
}

/** Returns where the item ends; -1 when that cannot be told. */
function walk(bytes: Buffer, at: number, depth: number, items: [number, number][]): number {
  if (at >= bytes.length || depth > MAX_DEPTH || items.length === MAX_ITEMS) return -1;
  const item: [number, number] = [at, bytes.length];
  items.push(item);
  const [head_end, children] = head_of(bytes, at);
  let end = head_end;
  for (let i = 0; i < children && end >= 0; i++) end = walk(bytes, end, depth + 1, items);
  if (end > bytes.length) end = -1;
  if (end >= 0) item[1] = end;
  return end;
}

/** Where the head with its own bytes ends, and how many items follow it. */
function head_of(bytes: Buffer, at: number): [end: number, children: number] {
  const head = bytes[at] as number;
  if (head < 0x80 || head >= 0xe0) return [at + 1, 0];
  if (head < 0x90) return [at + 1, 2 * (head & 0x0f)];
  if (head < 0xa0) return [at + 1, head & 0x0f];
  if (head < 0xc0) return [at + 1 + (head & 0x1f), 0];
  const left = bytes.length - at - 1;
  const u8 = left >= 1 ? bytes.readUInt8(at + 1) : 0;
  const u16 = left >= 2 ? bytes.readUInt16BE(at + 1) : 0;
  const u32 = left >= 4 ? bytes.readUInt32BE(at + 1) : 0;
  switch (head) {
    case 0xc4:
    case 0xd9:
      return [at + 2 + u8, 0];
    case 0xc5:
    case 0xda:
      return [at + 3 + u16, 0];
    case 0xc6:
    case 0xdb:
      return [at + 5 + u32, 0];
    case 0xc7:
      return [at + 3 + u8, 0];
    case 0xc8:
      return [at + 4 + u16, 0];
    case 0xc9:
      return [at + 6 + u32, 0];
    case 0xcc:
    case 0xd0:
      return [at + 2, 0];
    case 0xcd:
    case 0xd1:
      return [at + 3, 0];
    case 0xca:
    case 0xce:
    case 0xd2:
      return [at + 5, 0];
    case 0xcb:
    case 0xcf:
    case 0xd3:
      return [at + 9, 0];
    case 0xdc:
      return [at + 3, u16];
    case 0xdd:
      return [at + 5, u32];
    case 0xde:
      return [at + 3, 2 * u16];
    case 0xdf:
      return [at + 5, 2 * u32];
    default:
      return head >= 0xd4 && head <= 0xd8 ? [at + 2 + 2 ** (head - 0xd4), 0] : [at + 1, 0];
  }
}
