/**
 * Bed: a cluster of a few hosts on this machine, for tests. The scripts beside this file make it; all that they
 * make is gone when the bed is stopped, or when this process ends for whatever reason: keeper.sh sees to it.
 *
 *     const bed = await ssh_bed({ nodes: 3 });
 *     const { stdout } = await bed.exec_on_head(['ssh', 'node2', 'hostname']);
 *     await bed.cut('node2');
 *     await bed.stop();
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type CommandEnd, type CommandOptions, HeadProcess } from './head_process.js';
import { prefix_of } from './leftovers.js';

export interface BedOptions {
  /** How many nodes there are beside head: node1, node2 and so on. */
  nodes: number;
  /** Hosts in network namespaces of their own, the default; or all daemons on this machine's loopback. */
  on?: 'net' | 'loopback';
  /** How many processes a batch system may run on a node; default 4. */
  slots?: number;
}

/** What may be started on the hosts, beside ssh. */
export type Service = 'slurm' | 'grid_engine' | 'mpi';

const SCRIPTS = fileURLToPath(new URL('.', import.meta.url));
/** A whole bed takes 5 s on an idle machine; beyond this something hangs. */
const START_TIME = 55_000;
const COMMAND_TIME = 60_000;

export class Bed {
  readonly #state: string;
  readonly #is_net: boolean;
  readonly #keeper: ChildProcess;
  readonly #services: readonly Service[];
  #env: Record<string, string> = {};
  /** A folder that all hosts see at the same path, and commands run in unless told otherwise. */
  readonly folder: string;
  /** A folder that is empty on each host at first, and each has its own; with `on: 'loopback'` there is but one. */
  readonly scratch: string;
  readonly nodes: readonly string[];

  private constructor(options: BedOptions, services: readonly Service[]) {
    this.#state = mkdtempSync(join(tmpdir(), 'parjob-bed-'));
    this.#is_net = options.on !== 'loopback';
    this.#services = services;
    this.folder = join(this.#state, 'work');
    this.scratch = join(this.#state, 'scratch');
    mkdirSync(this.folder);
    this.nodes = Array.from({ length: options.nodes }, (_, i) => `node${i + 1}`);
    this.#keeper = spawn(join(SCRIPTS, 'keeper.sh'), {
      env: this.#script_env(),
      stdio: ['pipe', 'ignore', 'pipe'],
      detached: true,
    });
  }

  /** @throws Error with what the script said, when anything does not start */
  static async make(options: BedOptions, services: readonly Service[]): Promise<Bed> {
    const bed = new Bed(options, services);
    const { nodes, slots = 4 } = options;
    try {
      await (bed.#is_net ? bed.#run('net.sh', 'start', nodes) : bed.#run('ssh_loopback.sh', nodes));
      const starts: Readonly<Record<Service, () => Promise<void>>> = {
        slurm: () => bed.#run('slurm.sh', 'start', nodes, slots),
        grid_engine: () => bed.#run('grid_engine.sh', 'start', slots),
        mpi: () => bed.#run('mpi.sh', 'start', slots),
      };
      await all_settled(services.map((service) => starts[service]()));
      bed.#read_env();
      return bed;
    } catch (error) {
      await bed.stop();
      throw error;
    }
  }

  /** What a master needs in its environment to use the bed; it stands on top of this process's own. */
  get env(): Readonly<Record<string, string>> {
    return this.#env;
  }

  /** For mpirun. */
  get hostfile(): string {
    return join(this.#state, 'mpi', 'hostfile');
  }

  /** Where daemons write their logs, for a test that looks why something failed. */
  get state(): string {
    return this.#state;
  }

  /** The addresses of a host; the second network, if it is on it, has 10.213.8 and fd00:213:8. */
  addresses(host: string): { ipv4: string; ipv6: string } {
    const last = host === 'head' ? 1 : 10 + Number(host.slice('node'.length));
    return this.#is_net
      ? { ipv4: `10.213.7.${last}`, ipv6: `fd00:213:7::${last}` }
      : { ipv4: `127.0.0.${last}`, ipv6: '::1' };
  }

  /** Runs a command on head, and waits for its end. @throws Error if it takes too long */
  exec_on_head(words: readonly string[], options: CommandOptions = {}): Promise<CommandEnd> {
    return this.exec_on('head', words, options);
  }

  async exec_on(host: string, words: readonly string[], options: CommandOptions = {}): Promise<CommandEnd> {
    const started = this.start_on(host, words, options);
    const { timeout = COMMAND_TIME } = options;
    let is_late = false;
    const limit = setTimeout(() => {
      is_late = true;
      void started.kill('SIGKILL');
    }, timeout);
    try {
      const end = await started.ended;
      if (!is_late) return end;
      throw new Error(
        `on ${host}, ${words.join(' ')}: killed after ${timeout} ms\n${end.stdout}\n${end.stderr}`,
      );
    } finally {
      clearTimeout(limit);
    }
  }

  /** Starts a command on head that is to run for a while. It ends with the bed at the latest. */
  start_on_head(words: readonly string[], options: CommandOptions = {}): HeadProcess {
    return this.start_on('head', words, options);
  }

  start_on(host: string, words: readonly string[], options: CommandOptions = {}): HeadProcess {
    const cwd = options.cwd ?? this.folder;
    const env = { ...process.env, ...this.#env, ...options.env };
    return new HeadProcess(this.#entry(host, cwd), words, { cwd, env, input: options.input });
  }

  /** The cable is out: packets vanish, and nobody is told. */
  cut = (host: string) => this.#net('cut', host);
  /** The cable is in again. */
  heal = (host: string) => this.#net('heal', host);
  /** What it sends arrives, but nothing reaches it. `loss(host, 0)` ends it. */
  deaf = (host: string) => this.#net('deaf', host);
  /** Packets are lost at random, both ways; 0 ends it. */
  loss = (host: string, percent: number) => this.#net('loss', host, percent);
  /** Bandwidth towards the host; 0 ends it. */
  rate = (host: string, mbit_per_second: number) => this.#net('rate', host, mbit_per_second);
  /** Delay each way, and at most so much more at random; 0 ends it. Connections survive the change. */
  delay = (host: string, ms: number, jitter_ms = 0) => this.#net('delay', host, ms, jitter_ms);
  /** Nobody can open a connection to the host but by ssh, or to `but_port` instead; it can to others. */
  firewall = (host: string, verdict: 'drop' | 'reject' | 'off', but_port = 22) =>
    this.#net('firewall', host, verdict, but_port);
  /** What the host sends to that IPv4 network vanishes, say '10.213.8.0/24'; 'off' ends it. */
  blackhole = (host: string, network: string) => this.#net('blackhole', host, network);
  /** Makes a second network with these hosts on it. */
  second_network = (...hosts: string[]) => this.#net('second', ...hosts);
  /** All processes of the host stand still; its kernel goes on. */
  freeze = (host: string) => this.#net('freeze', host);
  thaw = (host: string) => this.#net('thaw', host);
  /** All that runs on the host dies at once, and its kernel closes the connections. For a power cut, cut it first. */
  crash = (host: string) => this.#net('crash', host);

  /** Starts a crashed host, and its batch systems' daemons. */
  async boot(host: string): Promise<void> {
    await this.#net('boot', host);
    for (const service of this.#services) {
      if (service !== 'mpi') await this.#run(`${service}.sh`, 'boot', host);
    }
  }

  /** Its /etc/hosts as it was made: every name has one address, and with -v6 behind it the other. */
  get all_hosts(): string {
    return readFileSync(join(this.#state, 'net', 'hosts.all'), 'utf8');
  }

  /** Gives a host another /etc/hosts, by default the one it had first. */
  hosts(host: string, text: string = this.all_hosts): void {
    writeFileSync(join(this.#state, 'net', `hosts.${host}`), text);
  }

  /** Takes all down: processes, namespaces, files. Safe to call again. */
  async stop(): Promise<void> {
    if (this.#keeper.exitCode !== null || this.#keeper.signalCode !== null) return;
    const gone = once(this.#keeper, 'close');
    this.#keeper.stdin?.end();
    await gone;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  #net(what: string, ...words: (string | number)[]): Promise<void> {
    if (!this.#is_net) throw new Error(`${what}: this bed is on loopback, and has no network to disturb`);
    return this.#run('net.sh', what, ...words);
  }

  #script_env(): NodeJS.ProcessEnv {
    return { ...process.env, BED_STATE: this.#state, BED_PREFIX: prefix_of(this.#state) };
  }

  /** Runs one of the scripts. @throws Error with what it said */
  async #run(script: string, ...words: (string | number)[]): Promise<void> {
    const child = spawn(join(SCRIPTS, script), words.map(String), {
      cwd: this.#state,
      env: this.#script_env(),
      stdio: ['ignore', 'ignore', 'pipe'],
      detached: true,
    });
    let said = '';
    // daemons that it starts do not hold this open: their output goes to files
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
    const limit = setTimeout(() => child.kill('SIGKILL'), START_TIME);
    const [exit_code] = await once(child, 'close').finally(() => clearTimeout(limit));
    if (exit_code !== 0)
      throw new Error(`${script} ${words.join(' ')}: ${said.trim() || `exit code ${exit_code}`}`);
  }

  #read_env(): void {
    const folder = join(this.#state, 'env');
    const env: Record<string, string> = {
      PATH: `${this.#state}/bin:${process.env['PATH']}`,
      BED_MARK: prefix_of(this.#state),
    };
    for (const file of this.#services) {
      if (!readdirSync(folder).includes(file)) continue;
      for (const line of readFileSync(join(folder, file), 'utf8').trimEnd().split('\n')) {
        const equals = line.indexOf('=');
        env[line.slice(0, equals)] = line.slice(equals + 1);
      }
    }
    this.#env = env;
  }

  /** The words that lead to a host. */
  #entry(host: string, cwd: string): string[] {
    if (!this.#is_net) return [];
    const [outer] = readFileSync(join(this.#state, 'pids', `host-${host}`), 'utf8').split(' ');
    const init = readFileSync(`/proc/${outer}/task/${outer}/children`, 'utf8').trim();
    return ['nsenter', '-t', init, '--net', '--uts', '--mount', '--pid', `--wd=${cwd}`, '--'];
  }
}

/** Waits for all, then fails with the first failure: what was started can then be stopped. */
async function all_settled(promises: readonly Promise<void>[]): Promise<void> {
  const ends = await Promise.allSettled(promises);
  for (const end of ends) if (end.status === 'rejected') throw end.reason;
}
