/** sbatch, squeue, scancel and srun of Slurm 22.05, as far as parjob uses them. Compared with real ones. */
import { run_group } from './group.js';
import {
  argv,
  begin,
  cancel,
  elements,
  end,
  is_over,
  options_of,
  program,
  read_stdin,
  submit,
} from './state.js';

const ONE = Object.fromEntries(
  [
    'array',
    'chdir',
    'output',
    'job-name',
    'time',
    'partition',
    'mem',
    'cpus-per-task',
    'account',
    'qos',
    'constraint',
    'gres',
    'nice',
    'ntasks',
  ].map((name) => [`--${name}`, 1]),
);

/** Its words for our states. */
const STATES = { pending: 'PENDING', running: 'RUNNING', cancelled: 'CANCELLED', error: 'PENDING' };

function state_of({ state, exit_code, signal }) {
  if (state === 'ended') return exit_code === 0 && signal === 0 ? 'COMPLETED' : 'FAILED';
  return STATES[state] ?? state;
}

function sbatch(script) {
  const { unknown, options } = options_of(argv, {
    ...ONE,
    '--parsable': 0,
    '--no-requeue': 0,
    '--exclusive': 0,
  });
  if (unknown !== undefined) {
    const stderr = `sbatch: unrecognized option '${unknown}'\nTry "sbatch --help" for more information\n`;
    end(1, { stderr });
  }
  if (script.trim() === '') end(1, { stderr: 'sbatch: error: Batch script is empty!\n' });
  if (!script.startsWith('#!')) {
    const stderr =
      'sbatch: error: This does not look like a batch script.  The first\n' +
      'sbatch: error: line must start with #! followed by the path to an interpreter.\n';
    end(1, { stderr });
  }
  const [partition] = options['--partition'] ?? [];
  if (partition !== undefined && partition !== 'debug') {
    const stderr =
      `sbatch: error: invalid partition specified: ${partition}\n` +
      'sbatch: error: Batch job submission failed: Invalid partition name specified\n';
    end(1, { stderr });
  }
  const [from, to = from] = (options['--array']?.[0] ?? '0-0').split('-').map(Number);
  const [cwd = process.cwd()] = options['--chdir'] ?? [];
  const [name = 'sbatch'] = options['--job-name'] ?? [];
  const id = submit({ kind: 'slurm', name, first: from, count: to - from + 1, cwd, script });
  end(0, { stdout: '--parsable' in options ? `${id}\n` : `Submitted batch job ${id}\n` });
}

function squeue() {
  const known = { '--noheader': 0, '--array': 0, '--states': 1, '--Format': 1, '--jobs': 1 };
  const { unknown, options } = options_of(argv, known);
  if (unknown !== undefined) end(1, { stderr: `squeue: unrecognized option '${unknown}'\n` });
  const ids = options['--jobs'][0].split(',');
  const found = elements().filter(({ id }) => ids.includes(id));
  if (ids.length === 1 && found.length === 0)
    end(1, { stderr: 'slurm_load_jobs error: Invalid job id specified\n' });
  const columns = options['--Format'][0].split(',').map((column) => column.split(':'));
  const lines = found.map((element) => {
    const { id, index, exit_code, signal, reason = 'None' } = element;
    const state = state_of(element);
    const fields = {
      JobArrayID: `${id}_${index}`,
      State: state,
      Reason:
        state === 'FAILED' && exit_code > 0
          ? 'NonZeroExitCode'
          : state === 'PENDING' || reason !== 'None'
            ? reason
            : 'None',
      exit_code: String(exit_code * 256 + signal),
    };
    return columns
      .map(([name, width]) => (fields[name] ?? 'N/A').slice(0, Number(width)).padEnd(Number(width)))
      .join('');
  });
  end(0, { stdout: lines.map((line) => `${line}\n`).join('') });
}

function scancel() {
  const { options, rest } = options_of(argv, { '--quiet': 0, '-Q': 0 });
  let is_wrong = false;
  for (const word of rest) {
    const [id, index] = word.split('_');
    const found = elements().filter(
      (one) => one.id === id && (index === undefined || one.index === Number(index)),
    );
    if (found.length === 0) is_wrong = true;
    for (const one of found) if (!is_over(one)) cancel(one);
  }
  if (is_wrong && !('--quiet' in options)) {
    end(1, { stderr: `scancel: error: Kill job error on job id ${rest[0]}: Invalid job id specified\n` });
  }
  end(0);
}

const stdin = program === 'sbatch' ? read_stdin() : undefined;
await begin(stdin);
if (program === 'sbatch') sbatch(stdin);
else if (program === 'squeue') squeue();
else if (program === 'scancel') scancel();
else {
  const known = {
    '--quiet': 0,
    '--ntasks': 1,
    '--kill-on-bad-exit': 1,
    '--wait': 1,
    '--input': 1,
    '--overlap': 0,
  };
  const { unknown, options, rest } = options_of(argv, known);
  if (unknown !== undefined) end(1, { stderr: `srun: unrecognized option '${unknown}'\n` });
  run_group(Number(options['--ntasks'][0]), rest, (rank) => ({ SLURM_PROCID: String(rank) }));
}
