/**
 * The command `parjob`. Each subcommand has a file of its own, loaded when it is called.
 *
 * Exit codes: 0 all went well, 1 something failed, 2 the command line is wrong, 130 and 143 ended by Ctrl-C or SIGTERM.
 */
import { readFileSync } from 'node:fs';
import { Command, CommanderError, InvalidArgumentError } from 'commander';
import { PACKAGE_ROOT } from '../base/package_root.js';
import { ParjobError, UsageError } from '../errors.js';

const EXIT_FAILED = 1;
const EXIT_USAGE = 2;

const { version } = JSON.parse(readFileSync(new URL('package.json', PACKAGE_ROOT), 'utf8')) as {
  version: string;
};

const program = new Command('parjob')
  .description('Runs tasks, and serial programs over sections of data, on many processes and machines.')
  .version(version)
  .showHelpAfterError('(parjob --help tells more)')
  .exitOverride()
  .enablePositionalOptions()
  .addHelpText(
    'after',
    `
Exit codes: 0 all went well, 1 something failed, 2 the command line is wrong.
Slaves: --on, or parjob.config.js with "export default { on: 'slurm:16', job: { ... } }", or one a core of this machine.`,
  );

/** A subcommand. Its name is followed by its arguments. */
function command(name: string, description: string, examples: readonly string[]): Command {
  const text = `\nExamples:\n${examples.map((line) => `  ${line}`).join('\n')}`;
  return program.command(name).description(description).addHelpText('after', text);
}

const ON = [
  '--on <places>',
  'where slaves run: local:N, slurm:N, sge:N, pbs:N, lsf:N, mpi:N, machine:N by ssh, or several',
] as const;
const CONFIG = ['--config <file>', 'instead of parjob.config.js'] as const;
const QUIET = ['-q, --quiet', 'no progress'] as const;

function number(text: string): number {
  if (text.trim() !== '' && Number.isFinite(Number(text))) return Number(text);
  throw new InvalidArgumentError('Expected a number.');
}

function whole_number(text: string): number {
  if (/^\d+$/.test(text) && Number(text) > 0) return Number(text);
  throw new InvalidArgumentError('Expected a whole number above 0.');
}

function list(value: string, before: string[] = []): string[] {
  return [...before, value];
}

command('map', 'Calls an exported function for each line of JSON on stdin; prints a line for each result.', [
  'parjob map ./score.js#score < items.jsonl > results.jsonl',
  'parjob map ./score.js#score --on slurm:64 --unordered < items.jsonl',
])
  .argument('<module#export>', 'a module, and the name that it exports; its default without a name')
  .option(...ON)
  .option(...CONFIG)
  .option('-u, --unordered', 'print results as they come')
  .option('--outcomes', 'print { index, status, value or reason } for each line')
  .option('--attempts <n>', 'runs of a line whose slave dies', number)
  .option('--retries <n>', 'further runs of a line that throws', number)
  .option('--timeout <ms>', 'longest time for a line', number)
  .option('--jobname <name>', 'names log files')
  .option(...QUIET)
  .action(async (target: string, flags: object) => {
    process.exitCode = await (await import('./map.js')).map(target, flags);
  });

function section_options(to: Command): Command {
  return to
    .option(...ON)
    .option('--mfile <file>', 'machine file: a host a line, host:4 with its slots')
    .option('--njobs <n>', 'sections at once')
    .option('--restart', 'go on where the last run stopped')
    .option('--attempts <n>', 'starts of a section, on different hosts')
    .option('--scratch <folder>', 'for pieces, on each host')
    .option('--jobname <name>', 'names status file and logs; without it, as the spec or program is called')
    .option(...CONFIG)
    .option(...QUIET);
}

section_options(
  command('run', 'Runs a serial program over sections of data, as a spec says.', [
    'parjob run shots.yaml --mfile mfile',
    'parjob run shots.yaml --restart',
  ]),
)
  .argument('<spec>', 'YAML or JSON: sect_pars, program, files and the options of a ParJob')
  .action(async (file: string, flags: object) => {
    process.exitCode = await (await import('./sections.js')).run_spec(file, flags);
  });

section_options(
  command('exec', 'Runs a program over parts of files, and puts what it writes together again.', [
    'parjob exec --split FASTA:queries.fa --copy db.fa --collect hits.tsv -- blastn -query {in} -subject {copy} -outfmt 6',
    'parjob exec --split words.txt --collect sorted.txt -- sort',
  ]),
)
  .argument('<program...>', 'its words, after --; {in}, {out}, {copy} and {id} are replaced')
  // what comes behind the first of them is the program's: `exec --split words.txt sort -q`
  .passThroughOptions()
  .option('--split <[format:]file>', 'an input that is split; without {in} it is the standard input', list)
  .option('--copy <file>', 'an input that goes whole to each host', list)
  .option(
    '--collect <[format:]file>',
    'an output; without {out} it is the standard output; text, or a table with one header if one is split',
    list,
  )
  .option('--sections <n>', 'in how many parts')
  .action(async (words: string[], flags: object) => {
    process.exitCode = await (await import('./sections.js')).exec(words, flags);
  });

command('status', 'Shows how far a run is, by its status file; changes what it does.', [
  'parjob status                        of the one status file here',
  'parjob status shots.sections --set 7=todo',
  'parjob status shots.sections --drain node3',
])
  .argument('[file]', 'a status file, of tasks or of sections')
  .option('--set <id=state>', 'run a section again (todo) or give it up (failed)', list)
  .option('--drain <host>', 'give a host nothing new', list)
  .option('--release <host>', 'give it sections again', list)
  .option('--json', 'as JSON')
  .action(async (file: string | undefined, flags: object) => {
    process.exitCode = await (await import('./status.js')).status(file, flags);
  });

command('top', 'Shows a running job from another terminal; it must have dashboard: true.', [
  'parjob top                   the one job of this folder',
  'parjob top survey            by its jobname',
])
  .argument('[job]', 'a jobname, its .dashboard file, or the link of its dashboard')
  .option('--json', 'print lines of JSON')
  .action(async (where: string | undefined, flags: object) => {
    process.exitCode = await (await import('./top.js')).top(where, flags);
  });

command('dashboard', 'Serves a page of a run from its status file, while it goes on or after.', [
  'parjob dashboard survey.status',
])
  .argument('<file>', 'a status file')
  .option('--port <port>', 'where to serve', number)
  .option('--host <name>', 'address to serve at; the page then needs the token in its link')
  .action(async (file: string, flags: object) => {
    process.exitCode = await (await import('./dashboard.js')).dashboard_file(file, flags);
  });

command('report', 'Writes one HTML page of a finished run: its timeline, task times, failures.', [
  'parjob report survey.status',
  'parjob report survey.status -o - > page.html',
])
  .argument('<file>', 'a status file')
  .option('-o, --out <file>', 'where to; - for stdout')
  .action(async (file: string, flags: { out?: string }) => {
    process.exitCode = (await import('./report.js')).report_file(file, flags.out);
  });

command('bench', 'Measures how fast tasks go on slaves: no-op tasks a second, and the round trip of one.', [
  'parjob bench',
  'parjob bench --on node1:2,node2:2',
])
  .option(...ON)
  .option(...CONFIG)
  .option('--tasks <n>', 'no-op tasks', whole_number)
  .option('--json', 'as JSON')
  .action(async (flags: object) => {
    process.exitCode = await (await import('./bench.js')).bench(flags);
  });

command('doctor', 'Starts one slave on each machine, says what went well and what did not, and why.', [
  'parjob doctor                 can slaves start here?',
  'parjob doctor mfile           on the machines of a machine file',
  'parjob doctor node1 node2     on these, by ssh',
  'parjob doctor --slurm         by sbatch',
])
  .argument('[machines...]', 'names of machines, or one machine file; this machine when left out')
  .option('--slurm', 'a slave that Slurm starts')
  .option('--sge', 'a slave that Grid Engine starts')
  .option('--tunnel', 'let slaves reach this machine through ssh')
  .option('--host <name>', 'name or address under which slaves reach this machine')
  .option('--timeout <seconds>', 'how long to wait for each', '60')
  .option('--json', 'print a line of JSON for each slave')
  .action(async (machines: string[], flags: object) => {
    process.exitCode = await (await import('./doctor.js')).doctor(machines, flags);
  });

command('slave', 'Joins a job by hand: job.connect_command() prints the whole command.', [
  'parjob slave --connect tls://head:40123 --secret-file .parjob.head.4711.5ec2e7.secret',
])
  .requiredOption('--connect <addresses>', 'where the master listens')
  .option('--secret-file <file>', 'file with the secret of the job; or set PARJOB_SECRET');

// whoever reads us has read enough: `parjob map ... | head`
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  console.error(`parjob: standard output cannot be written: ${error.message}`);
  process.exit(EXIT_FAILED);
});

try {
  const { default: complete } = await import('@bomb.sh/tab/commander');
  complete(program);
  await program.parseAsync();
} catch (error) {
  process.exitCode = tell(error);
}

/** What went wrong, in one line on stderr; returns the exit code. */
function tell(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : EXIT_USAGE;
  if (error instanceof ParjobError) console.error(`parjob: ${error.message} [${error.code}]`);
  else console.error(error);
  return error instanceof UsageError ? EXIT_USAGE : EXIT_FAILED;
}
