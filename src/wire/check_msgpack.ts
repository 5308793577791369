/**
 * Checks that bytes are one msgpack item of the kinds that PROTOCOL.md allows, before they are decoded. The
 * decoder knows more (extensions, references, records), by which a peer could make it hang, or compile
 * code. Nothing is made here.
 */
import { ProtocolError } from '../errors.js';

/** Deeper values travel as graphs, which are flat. */
const MAX_DEPTH = 64;
/** An object takes up to sixty times the one byte that it may have here. */
const MAX_CONTAINERS = 2 ** 24;
/** Of each container that is open: items that are left. */
const left = new Float64Array(MAX_DEPTH + 1);

/** @throws ProtocolError (PARJOB_ERR_PROTOCOL) */
export function check_msgpack(bytes: Buffer, start: number, end: number): void {
  let at = start;
  let depth = 0;
  let containers = 0;
  left[0] = 1;
  for (;;) {
    while (left[depth] === 0) {
      if (depth === 0) {
        if (at !== end) throw new ProtocolError('a message body goes on behind its end');
        return;
      }
      depth--;
    }
    left[depth] = (left[depth] as number) - 1;
    if (at >= end) throw ends();
    const head = bytes[at++] as number;
    let items = 0;
    if (head < 0x80 || head >= 0xe0) continue;
    if (head < 0x90) items = 2 * (head & 0x0f);
    else if (head < 0xa0) items = head & 0x0f;
    else if (head < 0xc0) at += head & 0x1f;
    else {
      switch (head) {
        case 0xc0:
        case 0xc2:
        case 0xc3:
          continue;
        case 0xc4:
        case 0xd9:
          at += 1 + number_at(bytes, at, end, 1);
          break;
        case 0xc5:
        case 0xda:
          at += 2 + number_at(bytes, at, end, 2);
          break;
        case 0xc6:
        case 0xdb:
          at += 4 + number_at(bytes, at, end, 4);
          break;
        case 0xcc:
        case 0xd0:
          at += 1;
          break;
        case 0xcd:
        case 0xd1:
          at += 2;
          break;
        case 0xca:
        case 0xce:
        case 0xd2:
          at += 4;
          break;
        case 0xcb:
        case 0xcf:
        case 0xd3:
          at += 8;
          break;
        case 0xd4:
          // undefined is the one extension
          if (number_at(bytes, at, end, 2) !== 0) throw unused(head);
          at += 2;
          break;
        case 0xdc:
          items = number_at(bytes, at, end, 2);
          at += 2;
          break;
        case 0xdd:
          items = number_at(bytes, at, end, 4);
          at += 4;
          break;
        case 0xde:
          items = 2 * number_at(bytes, at, end, 2);
          at += 2;
          break;
        case 0xdf:
          items = 2 * number_at(bytes, at, end, 4);
          at += 4;
          break;
        default:
          throw unused(head);
      }
    }
    if (at > end) throw ends();
    if (items === 0 && !is_container(head)) continue;
    if (++containers > MAX_CONTAINERS)
      throw new ProtocolError(`a message body has more than ${MAX_CONTAINERS} arrays and maps`);
    if (items === 0) continue;
    // each item has a byte at least
    if (items > end - at) throw ends();
    if (depth === MAX_DEPTH) throw new ProtocolError(`a message body is deeper than ${MAX_DEPTH}`);
    left[++depth] = items;
  }
}

function is_container(head: number): boolean {
  return (head >= 0x80 && head < 0xa0) || (head >= 0xdc && head <= 0xdf);
}

function number_at(bytes: Buffer, at: number, end: number, width: number): number {
  if (at + width > end) throw ends();
  let number = 0;
  for (let i = 0; i < width; i++) number = number * 256 + (bytes[at + i] as number);
  return number;
}

function ends(): ProtocolError {
  return new ProtocolError('a message body ends in the middle of a value');
}

function unused(head: number): ProtocolError {
  return new ProtocolError(
    `a message body has the msgpack head 0x${head.toString(16)}, which is not used here`,
  );
}
