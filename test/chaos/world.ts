/**
 * World: what faults can strike: the slaves as the master tells of them, their connections, the master itself, the
 * disk. It remembers which process has been wronged, so that the audit can tell a death that had a cause from one
 * that had none, and mends what was only for a while.
 */
import { is_alive } from '../kit/processes.js';
import type { Wrong } from './audit.js';
import type { MasterWord, StormWord } from './master_words.js';
import type { SmallDisk } from './small_disk.js';
import type { ProxiedConnection, TcpProxy } from './tcp_proxy.js';

/** A slave's process. */
export interface SlaveProcess {
  name: string;
  slave_id: number;
  launch: number;
  pid: number;
  state: 'starting' | 'ready' | 'gone';
  /** When it came into this state. */
  since: number;
}

/** The process of the master, as far as faults go. */
export interface MasterEnd {
  readonly pid: number | undefined;
  say(word: StormWord): void;
  /** Ends it by SIGKILL; another is started in its place. */
  kill(): void;
}

export class World {
  readonly proxy: TcpProxy;
  /** Or why there is none. */
  readonly disk: SmallDisk | string;
  readonly can_restart_master: boolean;
  /** Slaves in the job's list. */
  listed: number;
  /** ms of silence after which a slave is lost. */
  readonly heartbeat_timeout: number;
  /** A connection that was cut is made again by the slave within this time, ms; undefined: a cut slave is lost. */
  readonly reconnect_timeout: number | undefined;
  master: MasterEnd | undefined;
  /** What the master lacks at present to start slaves, once for each strike that took it. */
  readonly lacks: ('descriptors' | 'disk')[] = [];
  /** Port of the master, once it listens. */
  port: number | undefined;
  /** Every slave process that ever was, by pid. */
  readonly slaves = new Map<number, SlaveProcess>();
  /** Why a process may be lost: by pid, what was done to it. */
  readonly wronged = new Map<number, Set<Wrong>>();
  readonly #mending = new Map<NodeJS.Timeout, () => void>();

  constructor(parts: {
    proxy: TcpProxy;
    disk: SmallDisk | string;
    can_restart_master: boolean;
    slaves: number;
    heartbeat_timeout: number;
    reconnect_timeout: number | undefined;
  }) {
    this.proxy = parts.proxy;
    this.disk = parts.disk;
    this.can_restart_master = parts.can_restart_master;
    this.listed = parts.slaves;
    this.heartbeat_timeout = parts.heartbeat_timeout;
    this.reconnect_timeout = parts.reconnect_timeout;
  }

  /** The slave processes that live, as far as is known. */
  living(...states: SlaveProcess['state'][]): SlaveProcess[] {
    const wanted = states.length === 0 ? ['starting', 'ready'] : states;
    return [...this.slaves.values()].filter(({ state, pid }) => wanted.includes(state) && is_alive(pid));
  }

  /** The connections of slaves, of all or of one. */
  connections(slave?: SlaveProcess): ProxiedConnection[] {
    return [...this.proxy.connections].filter(({ peer }) =>
      slave === undefined
        ? peer !== undefined
        : peer?.slave_id === slave.slave_id && peer.launch === slave.launch,
    );
  }

  /** The slave that has this connection. A later master counts launches anew: the last process of that number it is. */
  slave_of({ peer }: ProxiedConnection): SlaveProcess | undefined {
    return [...this.slaves.values()].findLast(
      (slave) => slave.slave_id === peer?.slave_id && slave.launch === peer.launch,
    );
  }

  /** The master was killed: its slaves end themselves. */
  lose_master(): void {
    for (const slave of this.slaves.values()) {
      if (slave.state === 'gone') continue;
      this.wrong(slave.pid, 'its master was killed');
      slave.state = 'gone';
    }
  }

  /** From now on nobody need wonder when this process is lost. */
  wrong(pid: number, how: Wrong): void {
    const done = this.wronged.get(pid) ?? new Set<Wrong>();
    this.wronged.set(pid, done.add(how));
  }

  /** The master lacks it for `ms`. */
  starve(what: 'descriptors' | 'disk', ms: number, mend: () => void): void {
    this.lacks.push(what);
    this.mend_after(ms, () => {
      this.lacks.splice(this.lacks.indexOf(what), 1);
      mend();
    });
  }

  /** Calls `mend` after `ms`, or when the storm ends, whichever is first. */
  mend_after(ms: number, mend: () => void): void {
    const timer = setTimeout(() => {
      this.#mending.delete(timer);
      mend();
    }, ms);
    this.#mending.set(timer, mend);
  }

  /** Mends all that was to be mended later. */
  mend_all(): void {
    for (const [timer, mend] of this.#mending) {
      clearTimeout(timer);
      mend();
    }
    this.#mending.clear();
  }

  /** The master said something. */
  hear(word: MasterWord): void {
    switch (word.kind) {
      case 'launched': {
        this.port = word.port;
        this.proxy.target = word.port;
        const { name, slave_id, launch, pid } = word;
        if (pid === undefined) return;
        const since = performance.now();
        this.slaves.set(pid, { name, slave_id, launch, pid, state: 'starting', since });
        if (this.lacks.includes('descriptors')) this.wrong(pid, 'starved');
        return;
      }
      case 'adopted':
        return this.#move(word.pid, 'starting');
      case 'connected':
        return this.#move(word.pid, 'ready');
      case 'lost':
      case 'stopped':
        return this.#move(word.pid, 'gone');
      default:
    }
  }

  #move(pid: number | undefined, state: SlaveProcess['state']): void {
    const slave = pid === undefined ? undefined : this.slaves.get(pid);
    if (slave !== undefined) Object.assign(slave, { state, since: performance.now() });
  }
}
