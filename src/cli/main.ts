/**
 * The command `parjob`. Each subcommand has a file of its own, loaded when it is called.
 *
 * Exit codes: 0 all went well, 1 something failed, 2 the command line is wrong.
 */
import { readFileSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import { ParjobError, UsageError } from '../errors.js';

const EXIT_FAILED = 1;
const EXIT_USAGE = 2;

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

const program = new Command('parjob')
  .description('Runs tasks on many processes and machines.')
  .version(version)
  .showHelpAfterError('(parjob --help tells more)')
  .exitOverride();

program
  .command('doctor')
  .description('Starts one slave on each machine, says what went well and what did not, and why.')
  .argument('[machines...]', 'names of machines, or one machine file; this machine when left out')
  .option('--slurm', 'a slave that Slurm starts')
  .option('--sge', 'a slave that Grid Engine starts')
  .option('--tunnel', 'let slaves reach this machine through ssh')
  .option('--host <name>', 'name or address under which slaves reach this machine')
  .option('--timeout <seconds>', 'how long to wait for each', '60')
  .option('--json', 'print a line of JSON for each slave')
  .addHelpText(
    'after',
    `
Examples:
  parjob doctor                 can slaves start here?
  parjob doctor mfile           on the machines of a machine file
  parjob doctor node1 node2     on these, by ssh
  parjob doctor --slurm         by sbatch`,
  )
  .action(async (machines: string[], options: Record<string, unknown>) => {
    const { doctor } = await import('./doctor.js');
    process.exitCode = await doctor(machines, options);
  });

program
  .command('slave')
  .description('Joins a job by hand: job.connect_command() prints the whole command.')
  .requiredOption('--connect <addresses>', 'where the master listens')
  .option('--secret-file <file>', 'file with the secret of the job; or set PARJOB_SECRET');

try {
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
