/** Keeps one job of a fake cluster: starts its elements, ends them when told to, and writes down what became of them. */
import { spawn } from 'node:child_process';
import { existsSync, rmSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { argv, exists, read, STATE, write } from './state.js';

const [id] = argv;
const { kind, first, count, cwd, env, is_array } = JSON.parse(read('jobs', id, 'job.json'));
/** From SIGTERM to SIGKILL, ms. */
const KILL_WAIT = 400;
const LOOK_EVERY = 15;

/** What the script finds in its environment. */
function variables(index) {
  switch (kind) {
    case 'slurm':
      return { SLURM_JOB_ID: id, SLURM_ARRAY_JOB_ID: id, SLURM_ARRAY_TASK_ID: String(index) };
    case 'grid_engine':
      return { JOB_ID: id, SGE_TASK_ID: String(index) };
    case 'openpbs':
      return { PBS_JOBID: `${id}[${index}].head`, ...(is_array && { PBS_ARRAY_INDEX: String(index) }) };
    case 'torque':
      return { PBS_JOBID: `${id}[${index}].head`, ...(is_array && { PBS_ARRAYID: String(index) }) };
    default:
      return { LSB_JOBID: id, LSB_JOBINDEX: String(index) };
  }
}

class Element {
  #at;
  #index;
  #child;
  #ending_as;
  is_over = false;

  constructor(index) {
    this.#index = index;
    this.#at = ['jobs', id, String(index)];
  }

  look() {
    const at = this.#at;
    const order = ['cancel', 'end', 'requeue'].find((name) => exists(...at, name));
    if (this.#child === undefined) {
      if (order === 'cancel') return this.#note('cancelled');
      if (order === 'end') return this.#note(read(...at, 'end'));
      if (read(...at, 'state') === 'pending' && !exists('hold')) this.#start();
    } else if (order !== undefined && this.#ending_as === undefined) {
      this.#ending_as = order === 'end' ? read(...at, 'end') : order;
      this.#end();
    }
  }

  #start() {
    const at = this.#at;
    const child = spawn('/bin/sh', [join(STATE, 'jobs', id, 'script')], {
      cwd: existsSync(cwd) ? cwd : '/tmp',
      env: { ...env, ...variables(this.#index) },
      stdio: 'ignore',
      detached: true,
    });
    this.#child = child;
    write(String(child.pid), ...at, 'pid');
    write('running', ...at, 'state');
    child.once('exit', (code, signal) => {
      this.#kill('SIGKILL');
      this.#child = undefined;
      const as = this.#ending_as;
      this.#ending_as = undefined;
      if (as === 'requeue') {
        rmSync(join(STATE, ...at, 'requeue'));
        write('pending', ...at, 'state');
        return;
      }
      write(String(code ?? 0), ...at, 'exit');
      write(String(signal === null ? 0 : constants.signals[signal]), ...at, 'signal');
      this.#note(as === undefined ? 'ended' : as === 'cancel' ? 'cancelled' : as);
    });
  }

  #note(state) {
    this.is_over = true;
    write(state, ...this.#at, 'state');
  }

  #end() {
    this.#kill('SIGTERM');
    setTimeout(() => this.#kill('SIGKILL'), KILL_WAIT);
  }

  #kill(signal) {
    try {
      process.kill(-this.#child.pid, signal);
    } catch {
      // it has ended
    }
  }
}

const elements = Array.from({ length: count }, (_, i) => new Element(first + i));
const looking = setInterval(() => {
  const left = elements.filter(({ is_over }) => !is_over);
  for (const element of left) element.look();
  // the test is over, and its folder gone
  if (left.length === 0 || !exists('jobs', id)) clearInterval(looking);
}, LOOK_EVERY);
