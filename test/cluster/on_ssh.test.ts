/** Slaves by ssh, on hosts with names, addresses and networks of their own; and what becomes of them when those fail. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Bed } from './bed/bed.js';
import { ssh_bed } from './bed/beds.js';
import { describe_with } from './bed/components.js';
import { expect_squares, MasterRun, type Order, squares } from './bed/master_run.js';

/** Slaves that are lost quickly, so that a test need not wait long. */
const QUICK = { heartbeat_interval: 500, heartbeat_timeout: 3000, reconnect_timeout: 3000 };

describe_with('netns', 'slaves by ssh', () => {
  let bed: Bed;
  beforeAll(async () => {
    bed = await ssh_bed({ nodes: 3 });
  });
  afterAll(() => bed?.stop());

  function run(order: Order, folder = mkdtempSync(join(bed.folder, 'run-'))): MasterRun {
    return new MasterRun(bed, folder, order);
  }

  /** The slaves on a host, by their command lines. */
  async function slaves_on(host: string): Promise<string[]> {
    const { stdout } = await bed.exec_on(host, ['pgrep', '-fa', 'bin/slave.js']);
    return stdout.split('\n').filter((line) => line !== '');
  }

  async function expect_no_slaves(): Promise<void> {
    for (const node of bed.nodes) await expect.poll(() => slaves_on(node), { timeout: 20_000 }).toEqual([]);
  }

  it("work on all nodes, in the master's directory, with its variables, and show no secret", async () => {
    const folder = join(bed.folder, "it's a $(folder)");
    mkdirSync(folder);
    const going = run(
      { slaves: [['ssh_slaves', bed.nodes, { forward_env: ['BED_TEST'] }]], tasks: squares(30, 100) },
      folder,
    );
    await going.told('connected', 3);
    const command_lines = (
      await Promise.all(['head', ...bed.nodes].map((host) => bed.exec_on(host, ['ps', 'axww'])))
    )
      .map(({ stdout }) => stdout)
      .join('');
    expect(command_lines).toContain('bin/slave.js');
    expect(command_lines).not.toMatch(/[0-9a-f]{64}/);
    const end = await going.end();
    expect_squares(end, 30);
    expect([...new Set(end.results.map(({ host }) => host))].sort()).toEqual([...bed.nodes]);
    expect(new Set(end.results.map(({ cwd }) => cwd))).toEqual(new Set([folder]));
    expect(new Set(end.results.map(({ variable }) => variable))).toEqual(new Set(["it's $HOME"]));
    await expect_no_slaves();
    expect(readdirSync(folder).sort()).toEqual(['bed.slave0', 'bed.slave1', 'bed.slave2']);
    for (const file of readdirSync(folder))
      expect(readFileSync(join(folder, file), 'utf8')).not.toMatch(/[0-9a-f]{64}/);
  });

  it('leave a run that loses a node in the middle', async () => {
    const going = run({
      slaves: [['ssh_slaves', bed.nodes]],
      tasks: squares(40, 200),
      job_options: { ...QUICK, attempts: 1 },
    });
    await going.told('connected', 3);
    await going.told('done', 5);
    // a power cut: nobody hears of it
    await bed.cut('node2');
    await bed.crash('node2');
    const end = await going.end();
    expect_squares(end, 40);
    expect(end.failures['died']).toBe(0);
    expect(end.failures['lost']).toBeGreaterThan(0);
    await bed.boot('node2');
    await bed.heal('node2');
    await expect_no_slaves();
  });

  it('go on after their node was cut off for a while', async () => {
    const going = run({ slaves: [['ssh_slaves', bed.nodes]], tasks: squares(60, 100) });
    await going.told('connected', 3);
    await going.told('done', 5);
    await bed.cut('node1');
    await going.told('done', 15);
    await bed.heal('node1');
    const end = await going.end();
    expect_squares(end, 60);
    expect(end.failures).toMatchObject({ died: 0, lost: 0 });
    await expect_no_slaves();
  });

  it('are not taken for dead where packets are lost and late', async () => {
    for (const node of bed.nodes) {
      await bed.delay(node, 100);
      await bed.loss(node, 2);
    }
    const going = run({ slaves: [['ssh_slaves', bed.nodes]], tasks: squares(300, 10) });
    const end = await going.end();
    expect_squares(end, 300);
    expect(end.failures).toMatchObject({ died: 0, lost: 0, cannot_start: 0 });
    for (const node of bed.nodes) {
      await bed.delay(node, 0);
      await bed.loss(node, 0);
    }
    await expect_no_slaves();
  });

  it.each([
    ['resolves to loopback', '127.0.1.1 head\n'],
    ['resolves to an address of another network', '10.213.8.1 head\n'],
    ['does not resolve', ''],
  ])('find a master whose name %s on the node', async (_, line) => {
    bed.hosts('node1', `127.0.0.1 localhost\n${line}`);
    const end = await run({ slaves: [['SshSlave', 'node1']], tasks: squares(3, 1) }).end();
    expect_squares(end, 3);
    bed.hosts('node1');
  });

  it('find a master by IPv6 where there is nothing else', async () => {
    await bed.exec_on('node1', ['ip', '-4', 'addr', 'flush', 'dev', 'eth0']);
    const end = await run({ slaves: [['SshSlave', 'node1-v6']], tasks: squares(3, 1) }).end();
    expect_squares(end, 3);
    expect(end.results[0]?.host).toBe('node1');
    await bed.exec_on('node1', ['ip', 'addr', 'add', `${bed.addresses('node1').ipv4}/24`, 'dev', 'eth0']);
  });

  it('reach a master behind a firewall through a tunnel', async () => {
    await bed.firewall('head', 'drop');
    const slaves = bed.nodes.map((node) => ['SshSlave', node, { tunnel: true }] as const);
    const going = run({ slaves, tasks: squares(30, 50) });
    await going.told('connected', 3);
    expect_squares(await going.end(), 30);
    await bed.firewall('head', 'off');
    await expect_no_slaves();
  });

  it.each(['SIGINT', 'SIGKILL'] as const)('end when their master ends by %s', async (signal) => {
    const going = run({ slaves: [['ssh_slaves', bed.nodes]], tasks: squares(10, 60_000) });
    await going.told('connected', 3);
    expect(await slaves_on('node1')).not.toEqual([]);
    await going.process.kill(signal);
    expect(await going.process.ended).toMatchObject({ signal });
    await expect_no_slaves();
  });

  it('end when their master ends by an error that nobody caught', async () => {
    const going = run({ slaves: [['ssh_slaves', bed.nodes]], tasks: squares(30, 100), throw_after: 3 });
    const { exit_code, stderr } = await going.process.ended;
    expect(exit_code).toBe(1);
    expect(stderr).toContain('nobody catches this');
    await expect_no_slaves();
  });
});

describe_with('netns', 'slaves of a master that stands in two networks', () => {
  it('find it where its name means the one that is not theirs', async () => {
    await using bed = await ssh_bed({ nodes: 3 });
    await bed.second_network('head', 'node3');
    const hosts = bed.all_hosts.replace(/^10\.213\.7\.1 head$/m, '10.213.8.1 head');
    for (const host of ['head', ...bed.nodes]) bed.hosts(host, hosts);
    await bed.blackhole('node1', '10.213.8.0/24');
    const end = await new MasterRun(bed, bed.folder, {
      slaves: [['ssh_slaves', bed.nodes]],
      tasks: squares(30, 50),
    }).end();
    expect_squares(end, 30);
    expect([...new Set(end.results.map(({ host }) => host))].sort()).toEqual([...bed.nodes]);
  });
});
