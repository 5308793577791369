import { inspect } from 'node:util';
import { afterEach, describe, expect, it } from 'vitest';
import { RemoteError, StateError, UsageError } from '../../src/errors.js';
import type { MasterEnd } from '../../src/master/command.js';
import { LocalSlave, local_slaves } from '../../src/master/local_slave.js';
import { FakeSlave, rejection, unit_job } from '../kit/fake_slave.js';
import { wait_until } from '../kit/wait_until.js';

/** A slave that is ready. */
async function ready_slave(): Promise<FakeSlave> {
  const slave = new FakeSlave();
  await unit_job([slave]).start();
  return slave;
}

afterEach(() => {
  Reflect.deleteProperty(globalThis, 'parjob_test_n');
});

describe('messages', () => {
  it('go both ways, in order', async () => {
    const slave = await ready_slave();
    await slave.run_cmd('for (let i = 0; i < 3; i++) await master.send_data(2 * (await master.get_data()))');
    for (const n of [1, 2, 3]) await slave.send_data(n);
    expect([await slave.get_data(), await slave.get_data(), await slave.get_data()]).toEqual([2, 4, 6]);
  });

  it('may be sent before the slave waits for them', async () => {
    const slave = await ready_slave();
    await slave.send_data({ a: [1, new Date(5)] });
    await slave.run_cmd('await master.send_data(await master.get_data())');
    expect(await slave.get_data()).toEqual({ a: [1, new Date(5)] });
  });

  it('that cannot be sent are refused here', async () => {
    const slave = await ready_slave();
    expect((await rejection(slave.send_data({ f: () => {} }))).message).toContain('data.f is a function');
  });

  it('that came before the slave was lost can still be taken', async () => {
    const slave = await ready_slave();
    await slave.run_cmd('await master.send_data(1)');
    expect(await slave.get_data()).toBe(1);
  });
});

it('is printed by its name, state and machine', async () => {
  const slave = await ready_slave();
  expect(inspect(slave)).toBe("FakeSlave { name: 'unit.slave0', state: 'connected', host: 'fake.host' }");
});

describe('run_cmd', () => {
  it('runs code with arguments, one command after another, and names persist', async () => {
    const slave = await ready_slave();
    await slave.run_cmd('parjob_test_n = args[0] + args[1]', 1, 2);
    await slave.run_cmd('await master.send_data(parjob_test_n)');
    expect(await slave.get_data()).toBe(3);
  });

  it('runs a function with the master and the arguments', async () => {
    const slave = await ready_slave();
    const multiply = async (master: MasterEnd, a: number, b: number) => {
      const c = await master.get_data<number>();
      await master.send_data(a * b * c);
    };
    await slave.run_cmd(multiply, 2, 3);
    await slave.send_data(7);
    expect(await slave.get_data<number>()).toBe(42);
  });

  it('that fails makes the next call throw, once', async () => {
    const slave = await ready_slave();
    await slave.run_cmd("throw new RangeError('too far')");
    await wait_until(() => slave.state === 'connected', 'the end of the command');
    const error = await rejection<RemoteError>(slave.run_cmd('1'));
    expect(error).toBeInstanceOf(RemoteError);
    expect(error).toMatchObject({
      remote_name: 'RangeError',
      remote_message: 'too far',
      slave: 'unit.slave0',
      what: 'command 1',
    });
    await slave.run_cmd('await master.send_data(1)');
    expect(await slave.get_data()).toBe(1);
  });

  it.each(['send_data', 'get_data'] as const)('that fails makes the next %s throw', async (method) => {
    const slave = await ready_slave();
    await slave.run_cmd("throw new RangeError('too far')");
    await wait_until(() => slave.state === 'connected', 'the end of the command');
    expect(await rejection(slave[method](1 as never))).toBeInstanceOf(RemoteError);
  });

  it('that fails while its answer is waited for makes that wait throw', async () => {
    const slave = await ready_slave();
    await slave.run_cmd("await null; throw new RangeError('too far')");
    expect(await rejection(slave.get_data())).toMatchObject({ remote_message: 'too far' });
  });

  it('that is no command is refused here', async () => {
    const slave = await ready_slave();
    expect((await rejection(slave.run_cmd(7 as never))).message).toContain('a command must be code');
    expect((await rejection(slave.run_cmd('1', () => {}))).message).toContain('args[0] is a function');
    expect(slave.state).toBe('connected');
  });

  it('occupies the slave', async () => {
    const slave = await ready_slave();
    await slave.run_cmd('await master.get_data()');
    expect(slave.state).toBe('running_cmd');
    await slave.send_data(1);
    await wait_until(() => slave.state === 'connected', 'the end of the command');
  });
});

describe('get_data', () => {
  it('says so when the slave runs no command and has sent nothing', async () => {
    const slave = await ready_slave();
    const error = await rejection(slave.get_data());
    expect(error).toBeInstanceOf(StateError);
    expect(error.message).toMatch(
      /^get_data: unit\.slave0 runs no command and has sent nothing.*wait_idle: true/,
    );
  });

  it('says so, too, when the command ends that might have sent something', async () => {
    const slave = await ready_slave();
    await slave.run_cmd('await null');
    expect(await rejection(slave.get_data())).toBeInstanceOf(StateError);
  });

  it('waits all the same with wait_idle', async () => {
    const slave = await ready_slave();
    const data = slave.get_data({ wait_idle: true });
    await slave.run_cmd('setImmediate(() => master.send_data(5))');
    expect(await data).toBe(5);
  });

  it('ends with its signal', async () => {
    const slave = await ready_slave();
    const controller = new AbortController();
    const data = rejection(slave.get_data({ wait_idle: true, signal: controller.signal }));
    controller.abort(new Error('enough'));
    expect((await data).message).toBe('enough');
    await slave.run_cmd('await master.send_data(1)');
    expect(await slave.get_data()).toBe(1);
  });
});

describe('a slave that is not ready', () => {
  it('in no job says what to do', async () => {
    const slave = new FakeSlave();
    for (const call of [slave.send_data(1), slave.get_data(), slave.run_cmd('1')]) {
      const error = await rejection(call);
      expect(error).toBeInstanceOf(UsageError);
      expect(error.message).toContain('this slave is in no job: push it to one first');
    }
    expect(slave).toMatchObject({ state: 'created', name: 'FakeSlave (not started)', pid: undefined });
  });

  it('in a job says what to do', async () => {
    const slave = new FakeSlave();
    unit_job([slave]);
    expect((await rejection(slave.send_data(1))).message).toBe(
      'send_data: FakeSlave (not started) is created, not connected: await job.start() first',
    );
  });

  it('since its start failed says why', async () => {
    const slave = new FakeSlave({ exit_code: 82 });
    const start = await rejection(unit_job([slave]).start());
    expect(await rejection(slave.run_cmd('1'))).toBe(start);
  });
});

describe('local slaves', () => {
  it('are as many as wanted, or as many as there are processors', () => {
    expect(local_slaves(3).length).toBe(3);
    expect(local_slaves(0)).toEqual([]);
    expect(local_slaves().length).toBeGreaterThan(0);
    expect(local_slaves(1)[0]).toBeInstanceOf(LocalSlave);
    expect(local_slaves(1)[0]?.host).toBe('localhost');
  });

  it.each([
    [{ nice: 20 }, "LocalSlave: option 'nice' must be a whole number from -20 to 19, got 20"],
    [{ node_flags: '--inspect' }, "option 'node_flags' must be an array of strings, got '--inspect'"],
    [{ env: { A: 1 } }, "option 'env' must be an object whose values are strings (or undefined, to unset)"],
    [{ enviroment: {} }, "LocalSlave has no option 'enviroment': it takes env, node_flags, nice"],
    [4, 'LocalSlave: expected an options object, got 4'],
  ])('refuse %j', (options, message) => {
    expect(() => new LocalSlave(options as object)).toThrow(message);
  });

  it.each([-1, 1.5, '4'])('are not %s', (n) => {
    expect(() => local_slaves(n as number)).toThrow(
      "local_slaves: option 'n' must be a whole number from 0 to 100000",
    );
  });
});
