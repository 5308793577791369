/** Names of sections and files as parts of file names: any text, and two never get the same. */
import { createHash } from 'node:crypto';

const LONGEST = 60;

export function safe_name(text: string): string {
  if (/^[A-Za-z0-9_][A-Za-z0-9._-]*$/.test(text) && text.length <= LONGEST && !text.includes('~'))
    return text;
  const plain = text
    .replace(/[^A-Za-z0-9._-]/g, '_')
    .replace(/^[.-]/, '_')
    .slice(0, LONGEST - 10);
  return `${plain}~${short_hash(text)}`;
}

/** Eight hexadecimal digits that tell texts apart. */
export function short_hash(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 8);
}
