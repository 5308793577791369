/** ProxiedSlave: a local slave that is told the address of a proxy in the place of its master's. */
import { Slave } from '../../src/index.js';
import type { LaunchedProcess, Launcher, LaunchOrder } from '../../src/launch/launcher.js';
import { LocalLauncher, type LocalLauncherOptions } from '../../src/launch/local.js';

/** One start of a slave. */
export interface ProxiedLaunch {
  name: string;
  slave_id: number;
  launch: number;
  pid: number | undefined;
  /** Where the master listens. */
  port: number;
}

export class ProxiedSlave extends Slave {
  override readonly launcher: Launcher;

  /** `proxy` is its port; undefined lets the slave go straight to its master. */
  constructor(
    proxy: number | undefined,
    options: LocalLauncherOptions,
    on_launch: (launch: ProxiedLaunch) => void,
    on_adopt: (pid: number) => void = () => {},
  ) {
    super();
    const local = new LocalLauncher(options);
    this.launcher = {
      ...{ kind: local.kind, host: local.host, reach: local.reach, pace: local.pace },
      start: (orders) => orders.map((order) => start(order)),
      adopt(pid: number): LaunchedProcess {
        on_adopt(pid);
        return local.adopt(pid);
      },
    };
    const start = (order: LaunchOrder): LaunchedProcess => {
      const port = Number(order.addresses[0]?.split(':').at(-1));
      const addresses = proxy === undefined ? order.addresses : [`127.0.0.1:${proxy}`];
      const launched = local.start([{ ...order, addresses }])[0] as LaunchedProcess;
      const { name, slave_id, launch } = order;
      on_launch({ name, slave_id, launch, pid: launched.pid, port });
      return launched;
    };
  }
}
