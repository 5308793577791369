/** Tally: what came of storms, added up and in words. */
import { release } from 'node:os';
import type { MemorySample } from './master_words.js';
import type { StormReport } from './storm.js';

type Counts = Record<string, number>;

function add_to(sum: Counts, counts: Readonly<Counts>): void {
  for (const [name, count] of Object.entries(counts)) sum[name] = (sum[name] ?? 0) + count;
}

function words(counts: Readonly<Counts>): string {
  const entries = Object.entries(counts).sort(([, a], [, b]) => b - a);
  return entries.map(([name, count]) => `${name} ${count}`).join(', ') || 'none';
}

function mebibytes(bytes: number | undefined): string {
  return bytes === undefined ? '?' : (bytes / 2 ** 20).toFixed(1);
}

export class Tally {
  #storms = 0;
  #tasks = 0;
  #runs = 0;
  #seconds = 0;
  readonly #outcomes: Counts = {};
  readonly #struck: Counts = {};
  readonly #breaches: Counts = {};
  readonly #impossible = new Map<string, string>();
  /** Growth of the master from its first tasks to its end, of the worst storm. */
  #growth = 0;

  get breaches(): number {
    return Object.values(this.#breaches).reduce((sum, count) => sum + count, 0);
  }

  add(report: StormReport): void {
    this.#storms++;
    this.#tasks += report.tasks;
    this.#runs += report.runs;
    this.#seconds += report.seconds;
    add_to(this.#outcomes, report.outcomes);
    add_to(this.#struck, report.struck);
    for (const { breach } of report.findings) add_to(this.#breaches, { [breach]: 1 });
    for (const [name, reason] of Object.entries(report.impossible)) this.#impossible.set(name, reason);
    const { warm, end } = report.memory;
    if (warm !== undefined && end !== undefined) this.#growth = Math.max(this.#growth, end.heap - warm.heap);
  }

  /** One storm in one line. */
  line({ seed, tasks, runs, struck, findings, memory, seconds }: StormReport): string {
    const rss = (sample: MemorySample | undefined) => mebibytes(sample?.rss);
    const strikes = Object.values(struck).reduce((sum, count) => sum + count, 0);
    return (
      `seed ${seed}: ${tasks} tasks, ${runs} runs, ${strikes} strikes, ${findings.length} broken promises, ` +
      `rss ${rss(memory.begin)}, ${rss(memory.warm)}, ${rss(memory.end)} MiB, ${seconds.toFixed(1)} s`
    );
  }

  /** All about a storm that has found something. */
  story({ seed, story, findings }: StormReport): string {
    const found = findings.map(({ breach, text }) => `  ${breach}: ${text}`);
    return [
      `The storm of seed ${seed}:`,
      ...story.map((line) => `  ${line}`),
      'What was broken:',
      ...found,
      `Again: npm run chaos -- --seed ${seed} --rounds 1`,
    ].join('\n');
  }

  summary(): string {
    const lines = [
      `${this.#storms} storms, ${this.#seconds.toFixed(0)} s, node ${process.version}, ${process.platform} ${release()}`,
      `tasks: ${this.#tasks} in ${this.#runs} runs: ${words(this.#outcomes)}`,
      `faults: ${words(this.#struck)}`,
      `lost ${this.#breaches['lost'] ?? 0}, doubled ${this.#breaches['doubled'] ?? 0}, ` +
        `left over ${this.#breaches['leftover'] ?? 0}; broken promises in all: ${words(this.#breaches)}`,
      `growth of the master's heap, worst storm: ${mebibytes(this.#growth)} MiB`,
    ];
    for (const [name, reason] of this.#impossible) lines.push(`not struck: ${name}: ${reason}`);
    return lines.join('\n');
  }
}
