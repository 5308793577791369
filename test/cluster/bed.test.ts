/** The beds themselves: hosts that differ, faults that bite, batch systems that run jobs, nothing left behind. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Program } from '../kit/processes.js';
import type { Bed } from './bed/bed.js';
import { grid_engine_bed, mixed_bed, slurm_bed, ssh_bed } from './bed/beds.js';
import { describe_with } from './bed/components.js';
import { leftovers } from './bed/leftovers.js';

/** What a command on head printed, line by line; it has to succeed. */
async function lines_of(bed: Bed, words: readonly string[], cwd = bed.folder): Promise<string[]> {
  const { exit_code, stdout, stderr } = await bed.exec_on_head(words, { cwd });
  expect(exit_code, `${words.join(' ')}: ${stderr}`).toBe(0);
  return stdout.trimEnd().split('\n');
}

/** How long head takes to connect to port 22 of a host, ms, or why it cannot. */
const CONNECT = `
  const begin = performance.now();
  const socket = require('net').connect({ port: 22, host: process.argv[1] });
  const tell = (what) => { console.log(what); process.exit(); };
  socket.on('connect', () => tell(performance.now() - begin)).on('error', (error) => tell(error.code));
  setTimeout(tell, Number(process.argv[2] ?? 20000), 'silence');`;

/** 200 datagrams, and how many of them come. */
const SEND = `
  const socket = require('dgram').createSocket('udp4');
  const send = (left) => (left === 0 ? socket.close() : socket.send('x', 7000, process.argv[1], () => send(left - 1)));
  send(200);`;
const COUNT = `
  let count = 0;
  const socket = require('dgram').createSocket('udp4').on('message', () => (count += 1));
  socket.bind(7000, () => console.log('ready'));
  process.on('SIGINT', () => { console.log(count); process.exit(); });`;

async function connect(bed: Bed, from: string, host: string, patience = 20_000): Promise<string> {
  const { stdout } = await bed.exec_on(from, [process.execPath, '-e', CONNECT, host, String(patience)]);
  return stdout.trim();
}

function work_folder(bed: Bed, name: string): string {
  const folder = join(bed.folder, name);
  mkdirSync(folder);
  return folder;
}

describe_with('netns', 'hosts in network namespaces', () => {
  let bed: Bed;
  beforeAll(async () => {
    bed = await ssh_bed({ nodes: 3 });
  });
  afterAll(() => bed?.stop());

  it('have their own names and addresses, and see the same folder', async () => {
    writeFileSync(join(bed.folder, 'seen'), 'by all');
    const seen = await Promise.all(
      bed.nodes.map((node) =>
        lines_of(bed, ['ssh', node, `hostname; cat ${bed.folder}/seen; echo; hostname -I`]),
      ),
    );
    for (const [i, node] of bed.nodes.entries()) {
      const { ipv4, ipv6 } = bed.addresses(node);
      expect(seen[i]?.slice(0, 2)).toEqual([node, 'by all']);
      expect(seen[i]?.[2]?.trim().split(' ')).toEqual([ipv4, ipv6]);
    }
    expect(await lines_of(bed, ['ssh', 'node2-v6', 'hostname'])).toEqual(['node2']);
  });

  it('run a command on head with its directory, environment, input and exit code', async () => {
    const folder = work_folder(bed, 'a folder');
    const script = 'hostname; pwd; cat; echo "$WORD"; echo trouble >&2; exit 7';
    const end = await bed.exec_on_head(['sh', '-c', script], {
      cwd: folder,
      env: { WORD: 'yes' },
      input: 'in\n',
    });
    expect(end).toEqual({
      exit_code: 7,
      signal: null,
      stdout: `head\n${folder}\nin\nyes\n`,
      stderr: 'trouble\n',
    });
    await expect(bed.exec_on_head(['sleep', '60'], { timeout: 300 })).rejects.toThrow('killed after 300 ms');
    const long = bed.start_on_head([
      'sh',
      '-c',
      'trap "echo heard; exit 3" INT; echo ready; while :; do sleep 0.05; done',
    ]);
    await long.printed(/ready/);
    expect(await long.kill('SIGINT')).toBe(true);
    expect(await long.ended).toMatchObject({ exit_code: 3, stdout: 'ready\nheard\n' });
    expect(await long.kill('SIGINT')).toBe(false);
  });

  it('have a disk of their own', async () => {
    await bed.exec_on('node1', ['touch', join(bed.scratch, 'mine')]);
    const listed = await Promise.all(
      ['node1', 'node2'].map((node) => bed.exec_on(node, ['ls', bed.scratch])),
    );
    expect(listed.map(({ stdout }) => stdout)).toEqual(['mine\n', '']);
  });

  it('have an /etc/hosts that a test can change', async () => {
    bed.hosts('node1', '127.0.0.1 localhost\n127.0.1.1 head\n');
    const found = await bed.exec_on('node1', ['getent', 'ahostsv4', 'head']);
    expect(found.stdout).toMatch(/^127\.0\.1\.1 /);
    expect(await connect(bed, 'node1', 'node2')).toBe('ENOTFOUND');
    bed.hosts('node1');
    expect(Number(await connect(bed, 'node1', 'node2'))).toBeGreaterThan(0);
  });

  it('are cut off and healed', async () => {
    await bed.cut('node2');
    expect(await connect(bed, 'head', 'node2', 500)).toBe('silence');
    expect(Number(await connect(bed, 'head', 'node1'))).toBeGreaterThan(0);
    await bed.heal('node2');
    expect(Number(await connect(bed, 'head', 'node2'))).toBeGreaterThan(0);
  });

  it('are far away', async () => {
    await bed.delay('node1', 100);
    expect(Number(await connect(bed, 'head', 'node1'))).toBeGreaterThan(190);
    expect(Number(await connect(bed, 'node1', 'head-v6'))).toBeGreaterThan(190);
    await bed.delay('node1', 0);
    expect(Number(await connect(bed, 'head', 'node1'))).toBeLessThan(190);
  });

  it('lose packets, or hear none', async () => {
    await bed.loss('node1', 30);
    const counting = bed.start_on('node1', [process.execPath, '-e', COUNT]);
    await counting.printed(/ready/);
    const sent = await bed.exec_on_head([process.execPath, '-e', SEND, bed.addresses('node1').ipv4]);
    expect(sent).toMatchObject({ exit_code: 0 });
    await counting.kill('SIGINT');
    const { stdout } = await counting.ended;
    const received = Number(stdout.split('\n')[1]);
    expect(received).toBeGreaterThan(50);
    expect(received).toBeLessThan(190);
    await bed.deaf('node1');
    expect(await connect(bed, 'head', 'node1', 300)).toBe('silence');
    await bed.loss('node1', 0);
    expect(Number(await connect(bed, 'head', 'node1'))).toBeGreaterThan(0);
  });

  it('refuse all but ssh, or let it vanish', async () => {
    // its sshd listens on 22, so a wall that spares another port only is in the way
    await bed.firewall('node3', 'reject', 23);
    expect(await connect(bed, 'head', 'node3')).toBe('ECONNREFUSED');
    await bed.firewall('node3', 'drop', 23);
    expect(await connect(bed, 'head', 'node3', 300)).toBe('silence');
    expect(Number(await connect(bed, 'node3', 'head'))).toBeGreaterThan(0);
    await bed.firewall('node3', 'drop');
    expect(Number(await connect(bed, 'head', 'node3'))).toBeGreaterThan(0);
    await bed.firewall('node3', 'off');
  });

  it('may be in a second network, where others cannot reach them', async () => {
    await bed.second_network('head', 'node1');
    expect(Number(await connect(bed, 'node1', '10.213.8.1'))).toBeGreaterThan(0);
    expect(await connect(bed, 'node2', '10.213.8.1')).toBe('ENETUNREACH');
    await bed.blackhole('node2', '10.213.8.0/24');
    expect(await connect(bed, 'node2', '10.213.8.1', 300)).toBe('silence');
    await bed.blackhole('node2', 'off');
    expect(await connect(bed, 'node2', '10.213.8.1')).toBe('ENETUNREACH');
  });

  it('freeze and thaw', async () => {
    const counting = bed.start_on('node3', [
      'sh',
      '-c',
      'i=0; while :; do i=$((i+1)); echo $i; sleep 0.01; done',
    ]);
    await counting.printed(/^3$/m);
    await bed.freeze('node3');
    const { length } = counting.stdout;
    // its kernel still takes connections, but nobody says a word
    expect(Number(await connect(bed, 'head', 'node3'))).toBeGreaterThan(0);
    expect(counting.stdout.length).toBe(length);
    await bed.thaw('node3');
    await counting.printed(new RegExp(`^${counting.stdout.trim().split('\n').length + 3}$`, 'm'));
    await counting.kill('SIGKILL');
  });

  it('crash and are booted', async () => {
    const running = bed.start_on('node3', ['sleep', '600']);
    await running.pid();
    await bed.crash('node3');
    await running.ended;
    expect(await connect(bed, 'head', 'node3')).toBe('ECONNREFUSED');
    await bed.boot('node3');
    expect(await lines_of(bed, ['ssh', 'node3', 'hostname'])).toEqual(['node3']);
  });
});

/** Makes a bed, tells its folder, and then does nothing. */
const HOLDER = `
  import { slurm_bed } from '${new URL('./bed/beds.ts', import.meta.url).href}';
  const bed = await slurm_bed({ nodes: 1 });
  bed.start_on('node1', ['setsid', 'sleep', '600']);
  console.log(bed.state);
  setInterval(() => {}, 1e6);`;

describe_with(['netns', 'slurm'], 'a bed', () => {
  it('leaves nothing behind', async () => {
    const bed = await slurm_bed({ nodes: 1 });
    await bed.freeze('node1');
    await bed.delay('head', 5);
    await bed.exec_on_head(['sbatch', '-Q', '--wrap', 'sleep 600']);
    const left = leftovers(bed.state).join('\n');
    for (const kind of ['process', 'network namespace', 'cgroup', 'folder']) expect(left).toContain(kind);
    await bed.stop();
    expect(leftovers(bed.state)).toEqual([]);
    await bed.stop();
  });

  it('leaves nothing behind when the process that made it is killed', async () => {
    const holder = new Program(['--import', 'tsx', '--input-type=module', '-e', HOLDER], {
      cwd: process.cwd(),
    });
    const state = await holder.line();
    expect(leftovers(state)).not.toEqual([]);
    holder.child.kill('SIGKILL');
    await expect.poll(() => leftovers(state), { timeout: 20_000 }).toEqual([]);
  });
});

describe_with('ssh', 'hosts on loopback', () => {
  it('are reached by ssh, and are gone with the bed', async () => {
    await using bed = await ssh_bed({ nodes: 2, on: 'loopback' });
    const seen = await Promise.all(
      bed.nodes.map((node) => lines_of(bed, ['ssh', node, 'echo $SSH_CONNECTION'])),
    );
    expect(seen.map(([line]) => line?.split(' ')[2])).toEqual(['127.0.0.11', '127.0.0.12']);
    expect(() => bed.cut('node1')).toThrow('no network to disturb');
    await bed.stop();
    expect(leftovers(bed.state)).toEqual([]);
  });
});

const SLURM_ARRAY = [
  'sbatch',
  '-Q',
  '--wait',
  '--array=0-3',
  '-N1',
  '-o',
  'a%a',
  '--wrap',
  'echo $SLURM_ARRAY_TASK_ID',
];

function numbers_in(folder: string, prefix: string): number[] {
  const files = readdirSync(folder).filter((name) => name.startsWith(prefix));
  return files.map((name) => Number(readFileSync(join(folder, name), 'utf8'))).sort();
}

describe_with(['netns', 'slurm', 'grid_engine', 'mpi'], 'batch systems over hosts', () => {
  let bed: Bed;
  beforeAll(async () => {
    bed = await mixed_bed({ nodes: 3 });
  });
  afterAll(() => bed?.stop());

  it('slurm runs arrays on the nodes', async () => {
    const folder = work_folder(bed, 'array');
    await lines_of(bed, SLURM_ARRAY, folder);
    expect(numbers_in(folder, 'a')).toEqual([0, 1, 2, 3]);
    expect((await lines_of(bed, ['srun', '-Q', '-N3', 'hostname'])).sort()).toEqual([...bed.nodes]);
  });

  it('slurm keeps jobs waiting in a closed partition', async () => {
    const [job = ''] = await lines_of(bed, ['sbatch', '--parsable', '-p', 'closed', '--wrap', 'true']);
    expect(await lines_of(bed, ['squeue', '-h', '-j', job, '-o', '%T %r'])).toEqual([
      'PENDING PartitionDown',
    ]);
    await lines_of(bed, ['scancel', job]);
  });

  it('slurm preempts for the urgent', async () => {
    const [job = ''] = await lines_of(bed, [
      'sbatch',
      '--parsable',
      '--exclusive',
      '-N3',
      '--no-requeue',
      '--wrap',
      'sleep 600',
    ]);
    const state = () => lines_of(bed, ['squeue', '-h', '-t', 'all', '-j', job, '-o', '%T']);
    await expect.poll(state, { timeout: 20_000 }).toEqual(['RUNNING']);
    await lines_of(bed, ['srun', '-Q', '-p', 'urgent', '-N1', 'true']);
    await expect.poll(state, { timeout: 20_000 }).toEqual(['PREEMPTED']);
  });

  it('grid engine runs arrays, and processes of a parallel environment', async () => {
    const folder = work_folder(bed, 'ge');
    const array = [
      'qsub',
      '-sync',
      'y',
      '-t',
      '1-3',
      '-b',
      'y',
      '-shell',
      'n',
      '-cwd',
      '-j',
      'y',
      '-o',
      'a.$TASK_ID',
    ];
    await lines_of(bed, [...array, process.execPath, '-p', 'process.env.SGE_TASK_ID'], folder);
    expect(numbers_in(folder, 'a.')).toEqual([1, 2, 3]);
    const script = join(folder, 'pe.sh');
    writeFileSync(
      script,
      `#!/bin/sh\nwhile read host n rest; do qrsh -inherit -nostdin $host hostname & done < $PE_HOSTFILE; wait\n`,
    );
    const options = ['-sync', 'y', '-cwd', '-V', '-pe', 'bed', '3', '-o', 'hosts', '-e', '/dev/null'];
    await lines_of(bed, ['qsub', ...options, script], folder);
    expect(readFileSync(join(folder, 'hosts'), 'utf8').trim().split('\n').sort()).toEqual([...bed.nodes]);
  });

  it('grid engine keeps jobs waiting in a closed queue', async () => {
    const [job = ''] = await lines_of(bed, ['qsub', '-terse', '-q', 'closed.q', '-b', 'y', 'true']);
    const line = (await lines_of(bed, ['qstat'])).find((line) => line.trim().startsWith(job));
    expect(line?.trim().split(/ +/)[4]).toBe('qw');
    await lines_of(bed, ['qdel', job]);
  });

  it('mpirun starts processes on the nodes', async () => {
    const words = ['mpirun', '--hostfile', bed.hostfile, '-n', '3', 'hostname'];
    expect((await lines_of(bed, words)).sort()).toEqual([...bed.nodes]);
  });

  it('all come back after a crash', async () => {
    await bed.crash('node2');
    await bed.boot('node2');
    expect(await lines_of(bed, ['srun', '-Q', '-w', 'node2', 'hostname'])).toEqual(['node2']);
    const on_node2 = ['qsub', '-sync', 'y', '-q', 'all.q@node2', '-b', 'y', '-cwd', '-o', 'after', '-j', 'y'];
    await lines_of(bed, [...on_node2, 'hostname']);
    expect(readFileSync(join(bed.folder, 'after'), 'utf8')).toBe('node2\n');
  });
});

describe_with('slurm', 'slurm on loopback', () => {
  it('runs arrays', async () => {
    await using bed = await slurm_bed({ nodes: 2, on: 'loopback' });
    await lines_of(bed, SLURM_ARRAY);
    expect(numbers_in(bed.folder, 'a')).toEqual([0, 1, 2, 3]);
    await bed.stop();
    expect(leftovers(bed.state)).toEqual([]);
  });
});

describe_with('grid_engine', 'grid engine on loopback', () => {
  it('runs jobs', async () => {
    await using bed = await grid_engine_bed({ nodes: 1, on: 'loopback' });
    const options = ['-sync', 'y', '-b', 'y', '-shell', 'n', '-cwd', '-o', 'out', '-j', 'y'];
    await lines_of(bed, ['qsub', ...options, 'echo', 'a  b']);
    expect(readFileSync(join(bed.folder, 'out'), 'utf8')).toBe('a  b\n');
    await bed.stop();
    expect(leftovers(bed.state)).toEqual([]);
  });
});
