/**
 * Files that travel: a file is split over two hosts of a ParJob, which give it back as it is, and is put together
 * again. Against one way of it through a pipe of TLS.
 */
import { closeSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { CommandSlave, ParJob, SplitFile } from 'parjob';
import type { Bench, Figure } from './figure.js';
import { pipe_file } from './limit/tls_pipe.js';
import { type Entry, in_arena, type Measures, run_rounds } from './rounds.js';

interface SectionsEntry extends Entry {
  bytes: number;
}

const [PIPE, PARJOB] = ['tls pipe', 'parjob'];
const METRIC = 'mb_per_s';
const BLOCK = 4 * 1024 * 1024;
const HOSTS = ['bench-a', 'bench-b'];
const SECTIONS = 8;

export const sections: Figure = {
  name: 'sections',
  async run({ build, report, quick, has_parjob }: Bench): Promise<void> {
    const bytes = (quick ? 64 : 1024) * 1024 * 1024;
    const entries = [PIPE, ...(has_parjob ? [PARJOB] : [])].map((contender) => ({ contender, bytes }));
    const rounds = await run_rounds(build, entries, quick ? 1 : 3, in_arena<SectionsEntry>('sections'));
    report.add_results(this.name, rounds);
    const goal = { at_least: 0.6 };
    const text = 'split over two hosts and collected / tls pipe, MB/s that travel';
    report.add_claim(this.name, rounds, { text, label: PARJOB, metric: METRIC, against: PIPE, goal });
  },
};

export async function measure({ contender, bytes }: SectionsEntry): Promise<Measures> {
  const [from, to] = [`${contender}.in`, `${contender}.out`].map((name) => name.replace(' ', '_')) as [
    string,
    string,
  ];
  write_blocks(from, bytes);
  const began = performance.now();
  if (contender === PIPE) await pipe_file(from, to);
  else await there_and_back(from, to);
  const seconds = (performance.now() - began) / 1000;
  check_blocks(to, bytes);
  for (const file of [from, to]) rmSync(file);
  // what parjob sends comes back as well
  const travelled = contender === PIPE ? bytes : 2 * bytes;
  return { [METRIC]: travelled / 1e6 / seconds, s: seconds };
}

/** On hosts that are this machine under other names. The program takes no time: it gives its input another name. */
async function there_and_back(from: string, to: string): Promise<void> {
  const format = `FIXED:${BLOCK / 4}`;
  const parjob = new ParJob({
    sect_pars: SECTIONS,
    files: {
      in: new SplitFile({ name: from, usage: 'INPUT', format, tag: 'in=' }),
      out: new SplitFile({ name: to, usage: 'OUTPUT', format, tag: 'out=' }),
    },
    command_func: ({ files }) => ['ln', '-f', files['in'] as string, files['out'] as string],
    slaves: HOSTS.map(
      (host) =>
        new CommandSlave(['unshare', '--uts', 'sh', '-c', 'hostname "$0" && exec "$@"', host, '{command}']),
    ),
    scratch: Object.fromEntries(HOSTS.map((host) => [host, `scratch/${host}`])),
    jobname: 'sections',
  });
  await parjob.run();
}

function write_blocks(file: string, bytes: number): void {
  const fd = openSync(file, 'w');
  for (let i = 0; i < bytes / BLOCK; i++) writeSync(fd, block(i));
  closeSync(fd);
}

function check_blocks(file: string, bytes: number): void {
  const fd = openSync(file, 'r');
  const read = Buffer.alloc(BLOCK);
  for (let i = 0; i < bytes / BLOCK; i++) {
    readSync(fd, read);
    if (!read.equals(block(i))) throw new Error(`block ${i} has come back as another`);
  }
  if (readSync(fd, read) !== 0) throw new Error('more has come back than was sent');
  closeSync(fd);
}

function block(i: number): Buffer {
  return Buffer.alloc(BLOCK, `block ${i} `);
}
