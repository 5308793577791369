/**
 * All against all: aligns every pair of proteins in a FASTA file, one task a block of pairs, on as
 * many slaves as there are cores; then groups them in a tree and paints their identities.
 *
 *     npm start -- [file.fasta] [--slaves N | --on slurm:16]        see --help
 *
 * What belongs to parjob is in run_blocks; the rest is the problem and its presentation.
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { Job, local_slaves, type Slave, tasks_from } from 'parjob';
import { type Block, cut_blocks, enter_block, new_table, type PairTable } from './blocks.js';
import { dendrogram } from './dendrogram.js';
import { FastaError, type FastaRecord, parse_fasta } from './fasta.js';
import { heatmap_svg } from './heatmap.js';
import { HELP, type Options, parse_options, UsageError } from './options.js';
import { Progress } from './progress.js';
import { count_slaves, extremes, identity_tsv, run_line } from './report.js';
import type { BlockResult } from './tasks.js';
import { leaves, newick, upgma } from './tree.js';
import { slaves_on } from './where.js';

const { align_block } = tasks_from<typeof import('./tasks.js')>(new URL('./tasks.js', import.meta.url));

/** A second run on one slave may take this long; beyond that a part of the blocks has to do. */
const COMPARE_SECONDS = 20;

interface Run {
  startup: number;
  seconds: number;
}

/** Aligns all `blocks` on `slaves` slaves, and hands over each result as it comes. */
async function run_blocks(
  blocks: readonly Block[],
  slaves: readonly Slave[],
  log_dir: string,
  on_result: (block: Block, result: BlockResult) => void,
): Promise<Run> {
  const begin = performance.now();
  await using job = new Job<BlockResult>(slaves, { jobname: 'alignment', log_dir });
  await job.start();
  const started = performance.now();

  for (const block of blocks) job.queue_task(align_block(block.sequences, block.pairs));
  const progress = new Progress(count_slaves(slaves.length), cells_of(blocks));
  try {
    for await (const outcome of job.yield_tasks_unordered({ settle: true })) {
      if (outcome.status === 'rejected') throw outcome.reason;
      const block = blocks[outcome.index]!;
      on_result(block, outcome.value);
      progress.advance(block.cells);
    }
  } finally {
    progress.finish();
  }
  return { startup: (started - begin) / 1000, seconds: (performance.now() - started) / 1000 };
}

async function main(options: Options): Promise<void> {
  const records = await read_records(options.file);
  await make_directory(options.out);
  const blocks = cut_blocks(
    records.map((record) => record.sequence),
    options.block,
  );
  const table = new_table(records.length);
  const pairs = (table.n * (table.n - 1)) / 2;
  console.log(`${basename(options.file)}: ${table.n} proteins, ${pairs} pairs in ${blocks.length} blocks`);

  const slaves = slaves_on(options.on);
  const run = await run_blocks(blocks, slaves, options.out, (block, result) =>
    enter_block(table, block, result),
  );
  await present(records, table, options.out);
  await tell_times(blocks, run, slaves.length, options);
}

async function present(records: readonly FastaRecord[], table: PairTable, out: string): Promise<void> {
  const names = records.map((record) => record.name);
  const tree = upgma(
    table.identity.map((identity) => 1 - identity),
    table.n,
  );
  await writeFile(join(out, 'identity.tsv'), identity_tsv(names, table));
  await writeFile(join(out, 'tree.nwk'), `${newick(tree, names)}\n`);
  await writeFile(join(out, 'heatmap.svg'), heatmap_svg(names, table.identity, leaves(tree)));
  console.log(`\n${dendrogram(tree, names)}\n\n${extremes(names, table)}`);
  console.log(
    `\nwrote ${['identity.tsv', 'tree.nwk', 'heatmap.svg'].map((file) => join(out, file)).join(', ')}\n`,
  );
}

/** Prints the time of `run` and, unless told not to, what one slave takes for the same blocks. */
async function tell_times(
  blocks: readonly Block[],
  run: Run,
  slaves: number,
  { once, out }: Options,
): Promise<void> {
  const all = cells_of(blocks);
  console.log(run_line(slaves, run.seconds, run.startup, all));
  if (once || slaves === 1) return;

  // Every k-th block, from the long to the short ones, so that the part is like the whole.
  const k = Math.max(1, Math.ceil((run.seconds * slaves) / COMPARE_SECONDS));
  const part = blocks.filter((_, index) => index % k === 0);
  const single = await run_blocks(part, local_slaves(1), out, () => {});
  console.log(run_line(1, single.seconds, single.startup, cells_of(part)));
  const seconds = (single.seconds * all) / cells_of(part);
  const part_of_all = `${part.length} of the ${blocks.length} blocks`;
  if (k > 1) console.log(`          for ${part_of_all}, so about ${seconds.toFixed(1)} s for all`);
  console.log(`speed-up  ${(seconds / run.seconds).toFixed(2)}`);
}

async function read_records(file: string): Promise<FastaRecord[]> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    throw new UsageError(`cannot read ${file}: ${(error as Error).message}`, 'give the path of a FASTA file');
  }
  return parse_fasta(text, file);
}

async function make_directory(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true });
  } catch (error) {
    throw new UsageError(
      `cannot write to ${path}: ${(error as Error).message}`,
      'give another directory after --out',
    );
  }
}

function cells_of(blocks: readonly Block[]): number {
  return blocks.reduce((sum, block) => sum + block.cells, 0);
}

try {
  const options = parse_options(process.argv.slice(2));
  if (options.help) process.stdout.write(HELP);
  else await main(options);
} catch (error) {
  const is_bad_input = error instanceof FastaError || error instanceof UsageError;
  // An error with a code says all in its message; one without is a fault in the program.
  const is_expected = is_bad_input || (error instanceof Error && 'code' in error);
  console.error('alignment:', is_expected ? error.message : error);
  if (is_bad_input) console.error(`hint: ${error.hint}`);
  process.exitCode = is_bad_input ? 2 : 1;
}
