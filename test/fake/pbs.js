/** qsub, qstat and qdel of PBS, from the manuals of OpenPBS 23 and Torque 6: FAKE_PBS says which. */
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

const FLAVOUR = process.env.FAKE_PBS ?? 'openpbs';
const ARRAY = FLAVOUR === 'torque' ? '-t' : '-J';
const QSUB = { '-N': 1, '-S': 1, '-V': 0, '-j': 1, '-o': 1, '-l': 1, '-A': 1, '-q': 1, '-m': 1, [ARRAY]: 1 };
const LETTERS = { pending: 'Q', running: 'R', error: 'H' };

function qsub(script) {
  const { unknown, options } = options_of(argv, QSUB);
  if (unknown !== undefined)
    end(2, { stderr: `qsub: invalid option -- '${unknown.slice(1)}'\nusage: qsub [-a date_time] ...\n` });
  const [queue = 'workq'] = options['-q'] ?? [];
  if (queue !== 'workq') end(171, { stderr: 'qsub: Unknown queue\n' });
  const [range] = options[ARRAY] ?? [];
  const [from, to] = (range ?? '0-0').split('-').map(Number);
  if (range !== undefined && from === to && FLAVOUR === 'openpbs')
    end(1, { stderr: 'qsub: illegal -J value\n' });
  const [name = 'STDIN'] = options['-N'] ?? [];
  const is_array = range !== undefined;
  const cwd = process.env.HOME ?? '/';
  const id = submit({ kind: FLAVOUR, name, first: from, count: to - from + 1, cwd, script, is_array });
  end(0, { stdout: `${id}${is_array ? '[]' : ''}.head.cluster.org\n` });
}

function qstat() {
  const { rest } = options_of(argv, { '-t': 0 });
  const lines = [];
  let stderr = '';
  for (const word of rest) {
    const [, id] = /^(\d+)/.exec(word) ?? [];
    const found = elements().filter((one) => one.id === id);
    const live = found.filter((one) => !is_over(one));
    if (found.length === 0) stderr += `qstat: Unknown Job Id ${word}\n`;
    else if (live.length === 0)
      stderr += `qstat: ${word} Job has finished, use -x or -H to obtain historical job information\n`;
    else lines.push(...found.map(line_of));
  }
  const head =
    'Job id            Name             User              Time Use S Queue\n' +
    '----------------  ---------------- ----------------  -------- - -----\n';
  end(stderr === '' ? 0 : 153, { stdout: lines.length === 0 ? '' : head + lines.join(''), stderr });
}

function line_of(element) {
  const { id, index, job, state } = element;
  const full = job.is_array ? `${id}[${index}].head.cluster.org` : `${id}.head.cluster.org`;
  const shown = full.length > 17 ? `${full.slice(0, 15)}*` : full;
  const letter = is_over(element) ? (FLAVOUR === 'torque' ? 'C' : 'X') : LETTERS[state];
  return `${shown.padEnd(18)}${job.name.padEnd(17)}${'me'.padEnd(18)}${'00:00:00'} ${letter} workq\n`;
}

function qdel() {
  let stderr = '';
  for (const word of argv) {
    const [, id, index] = /^(\d+)(?:\[(\d*)\])?/.exec(word) ?? [];
    const found = elements().filter(
      (one) => one.id === id && (index === undefined || index === '' || one.index === Number(index)),
    );
    if (found.length === 0) stderr += `qdel: Unknown Job Id ${word}\n`;
    for (const one of found) {
      if (is_over(one)) stderr += `qdel: Job has finished ${word}\n`;
      else cancel(one);
    }
  }
  end(stderr === '' ? 0 : 153, { stderr });
}

const stdin = program === 'qsub' ? read_stdin() : undefined;
await begin(stdin);
if (program === 'qsub') qsub(stdin);
else if (program === 'qstat') qstat();
else qdel();
