/**
 * The command line of the example, and its help text.
 */
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

export interface Options {
  file: string;
  /** Where the slaves run, as where.ts reads it. */
  on: string;
  out: string;
  block: number;
  once: boolean;
  help: boolean;
}

/** A command line that cannot be followed. `hint` says what to do about it. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
  readonly hint: string;

  constructor(problem: string, hint = 'see --help for what can be given') {
    super(problem);
    this.hint = hint;
  }
}

const DEFAULT_FILE = fileURLToPath(new URL('./data/swissprot100.fa', import.meta.url));

export const HELP = `Aligns all pairs of the proteins in a FASTA file, on several slaves at once.

  npm start                       100 proteins from Swiss-Prot
  npm start -- my.fasta           your own
  npm start -- --slaves 8
  npm start -- --on slurm:16      or node1:4,node2:4 by ssh, sge:16, mpi:16, or several of them

Options
  --slaves N   number of slaves, each a process on this machine (default: one a core, ${availableParallelism()} here)
  --on LIST    where slaves run, instead: local:N, slurm:N, sge:N, mpi:N, or machines as in NAME:N by ssh
  --out DIR    where to write identity.tsv, tree.nwk and heatmap.svg (default: alignment-out)
  --block N    sequences a side of a block; a block of up to N x N pairs is one task (default: 8)
  --once       no second run on one slave to measure the speed-up against
  --help       this text

Alignment is global, with BLOSUM62, gap penalties 10 and 0.5 and free end gaps, as EMBOSS needle does it.
Identity is the share of identical columns among all columns, end gaps included.
`;

/** Reads the command line; throws UsageError. */
export function parse_options(args: readonly string[]): Options {
  const { values, positionals } = parse(args);
  if (positionals.length > 1)
    throw new UsageError(`expected one file, got ${positionals.length}: ${positionals.join(' ')}`);
  const slaves = whole_number('--slaves', values.slaves);
  if (slaves !== undefined && values.on !== undefined)
    throw new UsageError('--slaves and --on both say how many slaves there are', 'give one of them');
  return {
    file: positionals[0] ?? DEFAULT_FILE,
    on: values.on ?? `local:${slaves ?? availableParallelism()}`,
    out: values.out ?? 'alignment-out',
    block: whole_number('--block', values.block) ?? 8,
    once: values.once ?? false,
    help: values.help ?? false,
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        slaves: { type: 'string' },
        on: { type: 'string' },
        out: { type: 'string' },
        block: { type: 'string' },
        once: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
    });
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

function whole_number(option: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const number = Number(text);
  if (!Number.isSafeInteger(number) || number < 1) {
    throw new UsageError(`expected a whole number above 0 after ${option}, got ${JSON.stringify(text)}`);
  }
  return number;
}
