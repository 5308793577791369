/**
 * Starts slaves within a parallel environment of Grid Engine: `qrsh -inherit -V NODE /bin/sh SCRIPT`.
 *
 * qrsh splits and expands what it is given once more, so it gets a file of plain name, beside the secret's.
 */
import type { LaunchedProcess, Launcher, LaunchOrder } from './launcher.js';
import { COMMAND_PACE } from './pace.js';
import { quote } from './quote.js';
import { array_script } from './script.js';
import { write_script } from './script_file.js';
import { kill_process, spawn_process } from './spawn.js';

export class QrshLauncher implements Launcher {
  readonly kind = 'qrsh';
  readonly host: string;
  readonly reach = 'network';
  readonly pace = COMMAND_PACE;

  constructor(nodename: string) {
    this.host = nodename;
  }

  /** The words to run. `script` is the path of its script. */
  command(script: string): string[] {
    return ['qrsh', '-inherit', '-nostdin', '-V', this.host, '/bin/sh', quote(script)];
  }

  start(orders: readonly LaunchOrder[]): LaunchedProcess[] {
    return orders.map((order) => this.#start(order));
  }

  #start(order: LaunchOrder): LaunchedProcess {
    const script = write_script(order, array_script([order], { index: '0', first: 0 }));
    const command = this.command(script.path);
    const { pid, ended } = spawn_process(command, {
      env: process.env,
      log_file: order.log_file,
      append: order.launch > 0,
    });
    void ended.then(script.remove);
    return { command, pid, ended, kill: () => kill_process(pid) };
  }
}
