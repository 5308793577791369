import { describe, expect, it } from 'vitest';
import { inherited_flags, SLAVE_SCRIPT, slave_arguments } from '../../src/launch/command.js';
import { an_order } from '../kit/an_order.js';

describe('the flags of the master', () => {
  it('are those of its slaves, loaders with their values too', () => {
    const flags = ['--import', 'tsx', '--max-old-space-size=4096', '-r', './hooks.cjs', '--no-warnings'];
    expect(inherited_flags(flags)).toEqual(flags);
  });

  it('are left out when they would fight for a debugger or watch files', () => {
    expect(
      inherited_flags([
        '--inspect',
        '--inspect-brk=0',
        '--inspect-port',
        '9230',
        '--watch',
        '--import',
        'tsx',
      ]),
    ).toEqual(['--import', 'tsx']);
    expect(inherited_flags(['--watch-path', './src', '--watch-preserve-output'])).toEqual([]);
  });

  it.each([
    ['--eval', 'main()'],
    ['-e', 'main()'],
    ['-p', 'main()'],
    ['-pe', 'main()'],
    ['--print', 'main()'],
    ['--input-type', 'module'],
    ['--input-type=module'],
    ['-i'],
    ['-c'],
    ['--test'],
    ['--test-reporter', 'spec'],
    ['--test-name-pattern', 'slaves'],
    ['--cpu-prof'],
    ['--cpu-prof-dir', './profiles'],
    ['--cpu-prof-interval', '500'],
    ['--heap-prof'],
    ['--heap-prof-dir=./profiles'],
    ['--heap-prof-name', 'master.heapprofile'],
  ])('are left out with their values when they are for one program: %s %s', (...flags) => {
    expect(inherited_flags([...flags, '--expose-gc'])).toEqual(['--expose-gc']);
  });
});

describe('the command line of a slave', () => {
  const addresses = ['127.0.0.1:4000', '[::1]:4000'];
  const order = an_order({ name: 'job.slave3', slave_id: 7, launch: 2, addresses });

  it('says who it is and where its master is', () => {
    expect(slave_arguments(order)).toEqual([
      '--name',
      'job.slave3',
      '--id',
      '7',
      '--launch',
      '2',
      '--connect',
      '127.0.0.1:4000,[::1]:4000',
    ]);
  });

  it('does not hold the secret', () => {
    expect(slave_arguments(order).join(' ')).not.toContain(order.secret);
  });

  it('runs the script of this package', () => {
    expect(SLAVE_SCRIPT).toMatch(/\/bin\/slave\.js$/);
  });
});
