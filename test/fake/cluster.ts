/** FakeCluster: the fakes of this folder on PATH, with a state of their own, and what a test wants of them. */
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { is_alive, wait_gone } from '../kit/processes.js';

const BIN = fileURLToPath(new URL('./bin', import.meta.url));

export interface Call {
  program: string;
  argv: string[];
  stdin?: string;
  pid: number;
}

/** What a command is to do instead of its work. */
export interface Misdeed {
  slow_ms?: number;
  exit_code?: number;
  stdout?: string;
  stderr?: string;
}

/** A node that the fake ssh knows; see ssh.js. */
export interface Host extends Misdeed {
  path?: string;
  shell?: string;
  replace?: readonly (readonly [from: string, to: string])[];
  forwards_nothing?: boolean;
}

export class FakeCluster {
  readonly folder = mkdtempSync(join(tmpdir(), 'parjob-fake-'));
  readonly env: Readonly<Record<string, string>>;
  readonly #before = new Map<string, string | undefined>();

  /** @param which whose qsub is on PATH */
  constructor(which: 'grid_engine' | 'openpbs' | 'torque' = 'grid_engine') {
    mkdirSync(join(this.folder, 'misbehave'));
    this.env = {
      PATH: `${BIN}${delimiter}${process.env['PATH']}`,
      FAKE_STATE: this.folder,
      FAKE_NODE: process.execPath,
      FAKE_QSUB: which === 'grid_engine' ? which : 'pbs',
      FAKE_PBS: which,
    };
  }

  /** Its commands are those of this process until `stop`. */
  enter(): this {
    for (const [name, value] of Object.entries(this.env)) {
      this.#before.set(name, process.env[name]);
      process.env[name] = value;
    }
    return this;
  }

  /** Nothing of it is left: neither commands, nor jobs, nor what they started. */
  async stop(): Promise<void> {
    for (const [name, value] of this.#before) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
    this.#before.clear();
    this.release();
    for (const element of this.elements()) this.tell(element, 'cancel');
    await wait_gone(this.pids());
    // keepers end when their jobs have
    await wait_gone(processes_with(`FAKE_STATE=${this.folder}`));
    rmSync(this.folder, { recursive: true, force: true });
  }

  // ---- what was asked of it

  calls(program?: string): Call[] {
    const file = join(this.folder, 'calls.jsonl');
    if (!existsSync(file)) return [];
    const lines = readFileSync(file, 'utf8').split('\n').slice(0, -1);
    const calls = lines.map((line) => JSON.parse(line) as Call);
    return program === undefined ? calls : calls.filter((call) => call.program === program);
  }

  // ---- how it is

  /** Jobs that are submitted wait. @param reason why, in the words of the batch system */
  hold(reason = 'Resources'): void {
    writeFileSync(join(this.folder, 'reason'), reason);
    writeFileSync(join(this.folder, 'hold'), '');
  }

  release(): void {
    rmSync(join(this.folder, 'hold'), { force: true });
  }

  misbehave(program: string, misdeed: Misdeed): void {
    writeFileSync(join(this.folder, 'misbehave', program), JSON.stringify(misdeed));
  }

  behave(program: string): void {
    rmSync(join(this.folder, 'misbehave', program), { force: true });
  }

  hosts(hosts: Readonly<Record<string, Host>>): void {
    writeFileSync(join(this.folder, 'hosts.json'), JSON.stringify(hosts));
  }

  // ---- its jobs

  /** Every element of every job: `101 0`. */
  elements(): string[] {
    const found: string[] = [];
    for (const id of this.#jobs())
      for (const index of readdirSync(join(this.folder, 'jobs', id)))
        if (/^\d+$/.test(index)) found.push(`${id} ${index}`);
    return found;
  }

  /** Their states, in order. */
  states(): string[] {
    return this.elements().map((element) => this.#read(element, 'state') ?? 'pending');
  }

  /** Those that wait or run. */
  live(): string[] {
    return this.elements().filter((element) => {
      const state = this.#read(element, 'state') ?? 'pending';
      return ['pending', 'running', 'error'].includes(state);
    });
  }

  /** Processes of elements, as far as they are known. */
  pids(): number[] {
    return this.elements().flatMap((element) => Number(this.#read(element, 'pid') ?? []));
  }

  /** Ends an element as its own batch system would, so that it says `state` of it; cancels it; or queues it again. */
  tell(element: string, order: 'cancel' | 'requeue' | 'end', state = ''): void {
    const [id = '', index = ''] = element.split(' ');
    writeFileSync(join(this.folder, 'jobs', id, index, order), state);
  }

  /** Has it say that the element is in that state. */
  set_state(element: string, state: string): void {
    const [id = '', index = ''] = element.split(' ');
    writeFileSync(join(this.folder, 'jobs', id, index, 'state'), state);
  }

  /** It does not know of any job that it had. */
  forget(): void {
    for (const id of this.#jobs()) writeFileSync(join(this.folder, 'jobs', id, 'forgotten'), '');
  }

  #jobs(): string[] {
    const folder = join(this.folder, 'jobs');
    return existsSync(folder) ? readdirSync(folder).sort((a, b) => Number(a) - Number(b)) : [];
  }

  #read(element: string, file: string): string | undefined {
    const [id = '', index = ''] = element.split(' ');
    const path = join(this.folder, 'jobs', id, index, file);
    return existsSync(path) ? readFileSync(path, 'utf8') : undefined;
  }
}

/** Processes that have that in their environment. */
function processes_with(variable: string): number[] {
  return readdirSync('/proc')
    .map(Number)
    .filter(
      (pid) => pid > 0 && pid !== process.pid && is_alive(pid) && environment_of(pid).includes(variable),
    );
}

function environment_of(pid: number): string[] {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0');
  } catch {
    return [];
  }
}
