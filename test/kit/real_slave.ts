/** A slave in a process of its own, started by a test as launchers do it, with a BareMaster. It runs what is built. */
import { type ChildProcess, spawn } from 'node:child_process';
import { onTestFinished } from 'vitest';
import type { Welcome } from '../../src/wire/messages.js';
import { BareMaster } from './bare_master.js';

const SCRIPT = new URL('../../bin/slave.js', import.meta.url).pathname;

export class RealSlave {
  readonly master: BareMaster;
  readonly ended: Promise<{ code: number | null; signal: string | null }>;
  readonly child: ChildProcess;
  /** What it has written in its log. */
  log = '';

  private constructor(master: BareMaster, flags: readonly string[], takes_stdin: boolean) {
    this.master = master;
    const secret = master.secret.toString('hex');
    const { host, port } = master.address;
    const args = ['--name', 'unit.slave3', '--id', '5', '--launch', '0', '--connect', `${host}:${port}`];
    const way = takes_stdin ? ['--secret', 'stdin'] : [];
    // a group of its own, so that it may end with all that it has started
    this.child = spawn(process.execPath, [SCRIPT, ...args, ...way, ...flags], {
      stdio: [takes_stdin ? 'pipe' : 'ignore', 'pipe', 'ignore'],
      detached: true,
      env: takes_stdin ? process.env : { ...process.env, PARJOB_SECRET: secret },
    });
    this.child.stdin?.write(`${secret}\n`);
    this.child.stdout?.on('data', (bytes) => {
      this.log += bytes;
    });
    this.ended = new Promise((resolve) =>
      this.child.once('exit', (code, signal) => resolve({ code, signal })),
    );
    onTestFinished(async () => {
      try {
        // what its tasks have started is in its group, though it may have ended
        process.kill(-this.pid, 'SIGKILL');
      } catch {
        // as it should be: nobody is left
      }
      await this.ended;
    });
  }

  /** One that has proved itself. */
  static async connected(flags: readonly string[] = [], takes_stdin = false): Promise<RealSlave> {
    const master = new BareMaster();
    master.answers_heartbeats = true;
    await master.listen();
    const slave = new RealSlave(master, flags, takes_stdin);
    await master.heard('ready');
    return slave;
  }

  /** One that has been welcomed, with its pulse. */
  static async serving(
    welcome: Partial<Welcome> = {},
    flags: readonly string[] = [],
    takes_stdin = false,
  ): Promise<RealSlave> {
    const slave = await RealSlave.connected(flags, takes_stdin);
    slave.master.welcome(welcome);
    await slave.master.pulse_heard('heartbeat');
    return slave;
  }

  get pid(): number {
    return this.child.pid as number;
  }
}
