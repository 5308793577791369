/** qsub, qstat, qdel and qrsh of Son of Grid Engine 8.1.9, as far as parjob uses them. Compared with real ones. */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
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

const QSUB = {
  ...{ '-terse': 0, '-N': 1, '-t': 1, '-S': 1, '-V': 0, '-wd': 1, '-j': 1, '-o': 1, '-r': 1, '-notify': 0 },
  ...{ '-l': 1, '-A': 1, '-q': 1, '-P': 1, '-pe': 2, '-cwd': 0 },
};
const RESOURCES = ['h_rt', 'h_vmem', 'arch', 'mem_free'];

function refuse(what) {
  end(1, { stderr: `Unable to run job: ${what}\nExiting.\n` });
}

function qsub(script) {
  const { unknown, options } = options_of(argv, QSUB);
  if (unknown !== undefined) end(1, { stderr: `qsub: Unknown option ${unknown}\n` });
  for (const queue of options['-q'] ?? [])
    if (queue !== 'all.q') refuse(`Job was rejected because job requests unknown queue "${queue}"`);
  for (const limit of options['-l'] ?? []) {
    const [name] = limit.split('=');
    if (!RESOURCES.includes(name)) refuse(`unknown resource "${name}"`);
  }
  const [from, to = from] = (options['-t']?.[0] ?? '1-1').split('-').map(Number);
  const [cwd = process.env.HOME ?? '/'] = options['-wd'] ?? [];
  const [name = 'STDIN'] = options['-N'] ?? [];
  if (/^\d/.test(name))
    end(1, { stderr: `qsub: ERROR! argument to -N option must not contain ${name[0]}\n` });
  const is_broken = !existsSync(cwd);
  const job = { kind: 'grid_engine', name, first: from, count: to - from + 1, cwd, script, is_broken };
  const id = submit(job);
  if ('-terse' in options) end(0, { stdout: `${id}.${from}-${to}:1\n` });
  end(0, { stdout: `Your job-array ${id}.${from}-${to}:1 ("${name}") has been submitted\n` });
}

const LETTERS = { pending: 'qw', running: 'r', error: 'Eqw' };

function job_list({ id, job, state, tasks }) {
  return [
    `    <job_list state="${state === 'running' ? 'running' : 'pending'}">`,
    `      <JB_job_number>${id}</JB_job_number>`,
    '      <JAT_prio>0.75000</JAT_prio>',
    `      <JB_name>${job.name}</JB_name>`,
    '      <JB_owner>me</JB_owner>',
    `      <state>${LETTERS[state] ?? state}</state>`,
    '      <JAT_start_time>2026-11-22T04:00:36</JAT_start_time>',
    `      <queue_name>${state === 'running' ? 'all.q@vm' : ''}</queue_name>`,
    '      <slots>1</slots>',
    `      <tasks>${tasks}</tasks>`,
    '    </job_list>',
    '',
  ].join('\n');
}

/** Those that wait stand together in one entry. */
function qstat() {
  const live = elements().filter((element) => element.job.kind === 'grid_engine' && !is_over(element));
  const running = live
    .filter(({ state }) => state === 'running')
    .map((one) => job_list({ ...one, tasks: one.index }));
  const waiting = new Map();
  for (const one of live.filter(({ state }) => state !== 'running')) {
    const key = `${one.id} ${one.state}`;
    waiting.set(key, [...(waiting.get(key) ?? []), one]);
  }
  const pending = [...waiting.values()].map((ones) => {
    const [from, to] = [ones[0].index, ones.at(-1).index];
    const is_range = ones.length > 2 && to - from === ones.length - 1;
    const tasks = is_range ? `${from}-${to}:1` : ones.map(({ index }) => index).join(',');
    return job_list({ ...ones[0], tasks });
  });
  const stdout =
    "<?xml version='1.0'?>\n" +
    '<job_info  xmlns:xsd="http://arc.liv.ac.uk/repos/darcs/sge/source/dist/util/resources/schemas/qstat/qstat.xsd">\n' +
    `  <queue_info>\n${running.join('')}  </queue_info>\n  <job_info>\n${pending.join('')}  </job_info>\n</job_info>\n`;
  end(0, { stdout });
}

function qdel() {
  let [stdout, exit_code] = ['', 0];
  for (const word of argv) {
    const [id, index] = word.split('.');
    const found = elements().filter(
      (one) => one.id === id && (index === undefined || one.index === Number(index)) && !is_over(one),
    );
    if (found.length === 0) {
      stdout += `denied: job "${word}" does not exist\n`;
      exit_code = 1;
    }
    for (const one of found) {
      stdout += `me has registered the job-array task ${one.id}.${one.index} for deletion\n`;
      cancel(one);
    }
  }
  // it complains on stdout and on stderr alike
  end(exit_code, { stdout, stderr: exit_code === 0 ? '' : stdout });
}

/** Splits and expands its words once more, in a shell on the node. */
function qrsh() {
  const { unknown, options, rest } = options_of(argv, {
    '-inherit': 0,
    '-nostdin': 0,
    '-V': 0,
    '-noshell': 0,
  });
  if (unknown !== undefined || !('-inherit' in options))
    end(1, { stderr: `qrsh: Unknown option ${unknown}\n` });
  const [host, ...words] = rest;
  if (host === 'down') {
    const stderr = `error: executing task of job 77 failed: execution daemon on host "${host}" didn't accept task\n`;
    end(1, { stderr });
  }
  const child = spawn('/bin/sh', ['-c', words.join(' ')], { stdio: ['ignore', 'inherit', 'inherit'] });
  child.once('exit', (code, signal) => process.exit(code ?? (signal === null ? 0 : 128)));
  process.on('SIGTERM', () => child.kill());
}

const stdin = program === 'qsub' ? read_stdin() : undefined;
await begin(stdin);
if (program === 'qsub') qsub(stdin);
else if (program === 'qstat') qstat();
else if (program === 'qdel') qdel();
else qrsh();
