/** bsub, bjobs and bkill, from the reference of LSF 10.1. */
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

const BSUB = {
  '-J': 1,
  '-cwd': 1,
  '-o': 1,
  '-W': 1,
  '-M': 1,
  '-n': 1,
  '-R': 1,
  '-G': 1,
  '-q': 1,
  '-P': 1,
  '-x': 0,
};

function bsub(script) {
  const { unknown, options } = options_of(argv, BSUB);
  if (unknown !== undefined) end(255, { stderr: `${unknown}: Illegal option. Job not submitted.\n` });
  const [queue] = options['-q'] ?? [];
  if (queue !== undefined && queue !== 'normal')
    end(255, { stderr: `${queue}: No such queue. Job not submitted.\n` });
  const [, name, from, to] = /^(.*)\[(\d+)-(\d+)\]$/.exec(options['-J']?.[0] ?? '') ?? [];
  if (name === undefined) end(255, { stderr: 'Bad job name. Job not submitted.\n' });
  const [cwd = process.cwd()] = options['-cwd'] ?? [];
  const id = submit({
    kind: 'lsf',
    name,
    first: Number(from),
    count: Number(to) - Number(from) + 1,
    cwd,
    script,
  });
  end(0, { stdout: `Job <${id}> is submitted to default queue <normal>.\n` });
}

/** TIMEOUT and the like of the test, in its words. */
const REASONS = {
  TIMEOUT: 'TERM_RUNLIMIT: job killed after reaching LSF run time limit',
  PREEMPTED: 'TERM_PREEMPT: job killed after preemption',
  cancelled: 'TERM_OWNER: job killed by owner',
};

function fields_of({ id, index, state, exit_code, signal, reason }) {
  const is_failed = exit_code > 0 || signal > 0;
  const stat =
    { pending: 'PEND', running: 'RUN', ended: is_failed ? 'EXIT' : 'DONE', error: 'PSUSP' }[state] ?? 'EXIT';
  const code = stat === 'EXIT' && is_failed ? exit_code || 128 + signal : '-';
  const pends = stat === 'PEND' ? (reason ?? 'New job is waiting for scheduling;') : '-';
  return [id, index, stat, code, REASONS[state] ?? '-', pends];
}

function bjobs() {
  const { unknown, options, rest } = options_of(argv, { '-noheader': 0, '-a': 0, '-o': 1 });
  if (unknown !== undefined) end(255, { stderr: `${unknown}: Illegal option.\n` });
  if (options['-o'][0] !== "jobid jobindex stat exit_code exit_reason pend_reason delimiter='|'")
    end(255, { stderr: 'bjobs: unknown fields\n' });
  let [stdout, stderr] = ['', ''];
  for (const id of rest) {
    const found = elements().filter((one) => one.id === id);
    if (found.length === 0) stderr += `Job <${id}> is not found\n`;
    for (const one of found) stdout += `${fields_of(one).join('|')}\n`;
  }
  end(stderr === '' ? 0 : 255, { stdout, stderr });
}

function bkill() {
  let [stdout, stderr] = ['', ''];
  for (const word of argv) {
    const [, id, index] = /^(\d+)(?:\[(\d+)\])?$/.exec(word) ?? [];
    const found = elements().filter(
      (one) => one.id === id && (index === undefined || one.index === Number(index)),
    );
    if (found.length === 0) stderr += `Job <${word}>: No matching job found\n`;
    for (const one of found) {
      if (is_over(one)) stderr += `Job <${word}>: Job has already finished\n`;
      else {
        stdout += `Job <${word}> is being terminated\n`;
        cancel(one);
      }
    }
  }
  end(stderr === '' ? 0 : 255, { stdout, stderr });
}

const stdin = program === 'bsub' ? read_stdin() : undefined;
await begin(stdin);
if (program === 'bsub') bsub(stdin);
else if (program === 'bjobs') bjobs();
else bkill();
