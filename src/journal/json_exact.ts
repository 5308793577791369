/**
 * Which values JSON keeps exactly. Those stand in the status file as they are, so that people and jq can
 * read them; all others are bytes to it.
 */
import { Met } from '../base/met.js';

/** Deeper values go as bytes: JSON.stringify recurses. */
const MAX_DEPTH = 64;

const met = new Met();

/**
 * True for a value that `JSON.parse(JSON.stringify(value))` gives back as it was: null, booleans, finite
 * numbers but -0, well-formed strings, and trees of plain objects and dense arrays of those, at most 64
 * levels deep, without a field named `__proto__` or undefined. An object that is met twice is no tree.
 */
export function is_json_exact(value: unknown): boolean {
  try {
    return is_exact_at(value, 0);
  } finally {
    met.clear();
  }
}

function is_exact_at(value: unknown, depth: number): boolean {
  switch (typeof value) {
    case 'string':
      return value.isWellFormed();
    case 'number':
      return Number.isFinite(value) && (value !== 0 || 1 / value > 0);
    case 'boolean':
      return true;
    case 'object':
      return value === null || is_exact_object(value, depth + 1);
    default:
      return false;
  }
}

function is_exact_object(value: object, depth: number): boolean {
  if (depth > MAX_DEPTH || met.meet(value)) return false;
  if (typeof (value as unknown as Record<string, unknown>)['toJSON'] === 'function') return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  if (Array.isArray(value)) {
    // a hole reads as undefined, which is refused; a field beside the items is seen by the count
    if (prototype !== Array.prototype || Object.keys(value).length !== value.length) return false;
    for (const item of value as unknown[]) if (!is_exact_at(item, depth)) return false;
    return true;
  }
  if (prototype !== Object.prototype || Object.getOwnPropertySymbols(value).length > 0) return false;
  for (const key in value) {
    if (key === '__proto__' || !key.isWellFormed()) return false;
    if (!is_exact_at((value as Record<string, unknown>)[key], depth)) return false;
  }
  return true;
}
