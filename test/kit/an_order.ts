/** A LaunchOrder for tests of launchers. */
import type { LaunchOrder } from '../../src/launch/launcher.js';

export function an_order(overrides: Partial<LaunchOrder> = {}): LaunchOrder {
  return {
    name: 'job.slave0',
    jobname: 'job',
    slave_id: 0,
    launch: 0,
    addresses: ['127.0.0.1:4000'],
    secret: '5ec2e7'.padEnd(64, '0'),
    secret_file: () => '/work dir/.job.secret',
    log_file: 'job.slave0',
    cwd: '/work dir',
    slave_command: undefined,
    ...overrides,
  };
}
