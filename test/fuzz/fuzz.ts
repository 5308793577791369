/**
 * Fuzz: target x seed x count. Each input follows from target, seed and iteration alone, so that any of them
 * can be made again.
 *
 *     sample ─▶ mutator ─▶ target ─▶ taken, refused, or a failure: another error, too slow, too much memory, pollution
 */
import { getHeapStatistics } from 'node:v8';
import { type Failure, key_of, story_of } from './failure.js';
import { mutate } from './mutator.js';
import { Pollution } from './pollution.js';
import { hash_of, Random } from './random.js';
import { shrink } from './shrink.js';
import type { Input, Target } from './target.js';

/** Time that one input may take, ms; what is slower three times in a row is a bug, and no busy machine. */
const MAX_MS = 150;
/** Bytes that one input may allocate at once: some, and so many for each byte of it. */
const MAX_BYTES = 4 * 2 ** 20;
const MAX_BYTES_PER_BYTE = 256;
const TRIES = 3;
/** Of the stack of a failure. */
const FRAMES = 30;
/** Every so many inputs all is looked at. */
const LOOK_EVERY = 1024;
const VERIFY_EVERY = 64;
/** Distinct failures of one target; there is no end to those that follow from others. */
const MAX_FAILURES = 25;

/** What one iteration is about. */
export function input_of(target: Target, seed: number, iteration: number): { input: Input; random: Random } {
  const random = new Random(seed ^ hash_of(target.name), iteration);
  const sample = random.pick(target.samples);
  const other = random.pick(target.samples);
  return { input: { ...sample, bytes: mutate(sample.bytes, other.bytes, target.layout, random) }, random };
}

export interface Tally {
  taken: number;
  refused: number;
}

export class Fuzzer {
  readonly tally: Tally = { taken: 0, refused: 0 };
  readonly #target: Target;
  readonly #seed: number;
  readonly #pollution = new Pollution();
  readonly #keys = new Set<string>();
  readonly #on_failure: (failure: Failure) => void;

  /** Each kind of failure is told once. */
  constructor(target: Target, seed: number, on_failure: (failure: Failure) => void) {
    this.#target = target;
    this.#seed = seed;
    this.#on_failure = on_failure;
  }

  get is_full(): boolean {
    return this.#keys.size >= MAX_FAILURES;
  }

  /** Runs one iteration. */
  run(iteration: number): void {
    const { input, random } = input_of(this.#target, this.#seed, iteration);
    const error = this.#try(input, random, this.tally);
    if (error !== undefined) this.#fail(iteration, input, error);
    if (iteration % VERIFY_EVERY === 0) this.#verify(iteration, input);
    if (iteration % LOOK_EVERY === 0) this.look(iteration);
  }

  /** Takes down what was seen from outside. */
  report(iteration: number, story: string): void {
    this.#tell(iteration, key_of(story), story, Buffer.alloc(0), 0);
  }

  #tell(iteration: number, key: string, story: string, input: Buffer, bytes: number): void {
    if (this.is_full || this.#keys.has(key)) return;
    this.#keys.add(key);
    const { name: target } = this.#target;
    this.#on_failure({
      target,
      seed: this.#seed,
      iteration,
      key,
      story,
      input: input.toString('hex'),
      bytes,
    });
  }

  /** Looks for what an earlier input may have left behind. */
  look(iteration: number): void {
    const polluted = this.#pollution.find();
    if (polluted !== undefined)
      this.report(iteration, `${polluted} was changed by one of the ${LOOK_EVERY} inputs before`);
  }

  #verify(iteration: number, input: Input): void {
    try {
      this.#target.verify?.();
    } catch (error) {
      this.#fail(iteration, input, new Error(`after it: ${(error as Error).message}`, { cause: error }));
    }
  }

  /** What is wrong with the way an input was taken; undefined when nothing is. */
  #try(input: Input, random: Random, tally: Tally | undefined, frames = 0): unknown {
    const before = getHeapStatistics();
    const start = performance.now();
    const { stackTraceLimit } = Error;
    // most inputs end in an error, and a stack is what costs most of it
    Error.stackTraceLimit = frames;
    try {
      const is_taken = this.#target.run(input, random);
      if (tally !== undefined) tally[is_taken ? 'taken' : 'refused']++;
    } catch (error) {
      return error ?? new Error('undefined was thrown');
    } finally {
      Error.stackTraceLimit = stackTraceLimit;
    }
    const polluted = this.#pollution.glance();
    if (polluted !== undefined) return new Error(`every array has a field ${polluted} now`);
    const ms = performance.now() - start;
    const after = getHeapStatistics();
    const bytes =
      after.used_heap_size + after.external_memory - before.used_heap_size - before.external_memory;
    const most = (this.#target.max_bytes ?? MAX_BYTES) + MAX_BYTES_PER_BYTE * input.bytes.length;
    if (ms > MAX_MS) return new CostError(`takes ${ms.toFixed(0)} ms`);
    if (bytes > most) return new CostError(`allocates ${bytes} bytes for an input of ${input.bytes.length}`);
    return undefined;
  }

  #fail(iteration: number, input: Input, error: unknown): void {
    const again = (bytes: Buffer, frames = 0): unknown => {
      const { random } = input_of(this.#target, this.#seed, iteration);
      return this.#try({ ...input, bytes }, random, undefined, frames);
    };
    const key = key_of(error);
    if (this.is_full || this.#keys.has(key)) return;
    // what costs too much must do so again and again
    for (let i = 1; i < TRIES && error instanceof CostError; i++)
      if (!is_like(key, again(input.bytes))) return;
    const story = story_of(again(input.bytes, FRAMES) ?? error);
    const smallest = shrink(input.bytes, (bytes) => is_like(key, again(bytes)));
    this.#tell(iteration, key, story, smallest, input.bytes.length);
  }
}

/** An input that costs more than it may. */
class CostError extends Error {
  override readonly name = 'CostError';
}

function is_like(key: string, error: unknown): boolean {
  return error !== undefined && key_of(error) === key;
}
