/**
 * NCBI BLAST+ over parts of a file of queries: `npx tsx examples/blast/main.ts [queries.fa [database.fa]] [machine file]`
 *
 * The database is made here and copied to each host once; the queries are split; the tables of hits are brought together in
 * the order of the queries. In the end blastp runs once more, alone, to show that the tables are equal byte for byte.
 * Needs blastp and makeblastdb (Debian's ncbi-blast+), on the hosts too.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CopyFile, local_slaves, ParJob, SplitFile, ssh_slaves } from 'parjob';

const PROTEINS = fileURLToPath(new URL('../alignment/data/swissprot100.fa', import.meta.url));
const [queries_file = PROTEINS, database_file = PROTEINS, mfile] = process.argv.slice(2);
const SECTIONS = 8;

// a database is many files of one name; an empty one of the name itself leads to them
mkdirSync('blast-db', { recursive: true });
execFileSync('makeblastdb', ['-in', database_file, '-dbtype', 'prot', '-out', 'blast-db/db']);
writeFileSync('blast-db/db', '');
const parts = readdirSync('blast-db').filter((name) => name.startsWith('db.'));

const options = ['-outfmt', '6', '-num_threads', '1', '-evalue', '1e-3'];
const parjob = new ParJob({
  sect_pars: SECTIONS,
  files: {
    queries: new SplitFile({ name: queries_file, format: 'FASTA', usage: 'INPUT' }),
    db: new CopyFile({
      name: 'blast-db/db',
      also: parts.map((name) => join('blast-db', name)),
      usage: 'INPUT',
    }),
    hits: new SplitFile({ name: 'hits.tsv', format: 'LINES', usage: 'OUTPUT', tag: '>' }),
  },
  program: ['blastp', '-query', '{queries}', '-db', '{db}', ...options],
  slaves: mfile === undefined ? local_slaves(2) : ssh_slaves(mfile),
});
const { done } = await parjob.run();

const hits = readFileSync('hits.tsv', 'utf8');
const serial = execFileSync('blastp', ['-query', queries_file, '-db', 'blast-db/db', ...options], {
  encoding: 'utf8',
  maxBuffer: 2 ** 30,
});
console.log(`${hits.split('\n').length - 1} hits from ${done.length} sections`);
console.log(hits === serial ? 'equal to the serial run, byte for byte' : 'NOT equal to the serial run');
process.exitCode = hits === serial ? 0 : 1;
