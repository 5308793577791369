/** Failures: what the fuzzer has found, in words that lead back to it. */

export interface Failure {
  target: string;
  seed: number;
  iteration: number;
  /** The same bug gives the same key. */
  key: string;
  /** What went wrong, with the stack. */
  story: string;
  /** The input, made smaller where that was possible; hexadecimal. */
  input: string;
  /** Bytes of the input as it was. */
  bytes: number;
}

const MAX_HEX = 2000;

/** Numbers and quoted texts differ from input to input; the rest of a text tells bugs apart. */
export function key_of(error: unknown): string {
  const { name, message } = error instanceof Error ? error : { name: 'thrown', message: String(error) };
  return `${name}: ${message.slice(0, 120)}`.replaceAll(/[0-9]+/g, '#').replaceAll(/'[^']*'|"[^"]*"/g, '…');
}

export function story_of(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  // the frames of the fuzzer itself say nothing
  const frames = (error.stack ?? String(error)).slice(0, 4000).split('\n');
  return frames.filter((frame) => !/\/test\/fuzz\/(?!targets)|node:internal/.test(frame)).join('\n');
}

export function describe_failure({ target, seed, iteration, story, input, bytes }: Failure): string {
  const shown = input.length > MAX_HEX ? `${input.slice(0, MAX_HEX)}… (${input.length / 2} bytes)` : input;
  return [
    `target ${target}, seed ${seed}, iteration ${iteration}: ${story}`,
    `  input of ${bytes} bytes, shrunk: ${shown}`,
    `  again: npm run fuzz -- --target ${target} --seed ${seed} --iteration ${iteration}`,
  ].join('\n');
}
