/** Where the secret is, and who gets in. */
import { spawn } from 'node:child_process';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { createServer as createTlsServer } from 'node:tls';
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { CommandSlave, local_slaves, tasks_from } from '../../src/index.js';
import { cluster_job, next_event, test_folder } from '../kit/cluster.js';
import { AUTHORITY, CERTIFICATE, KEY } from '../kit/trusted_stranger.js';

const { add } = tasks_from<{ add(a: number, b: number): number }>(
  new URL('../tasks/process.js', import.meta.url),
);
const SECRET = /[0-9a-f]{64}/;

const cwd = process.cwd();
afterEach(() => process.chdir(cwd));

/** The command lines of all processes of this machine. */
function command_lines(): string {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
      } catch {
        return ''; // it has ended
      }
    })
    .filter((line) => line.includes('slave.js'))
    .join('\n');
}

describe('the secret', () => {
  it.each(['stdin', 'file', 'env'] as const)('is on no command line and in no log: by %s', async (secret) => {
    const folder = test_folder();
    process.chdir(folder);
    const job = cluster_job([new CommandSlave(['{command}'], { secret })], { log_dir: folder });
    expect(await job.run_task(add(1, 2))).toBe(3);
    const lines = command_lines();
    expect(lines).toContain('--secret');
    expect(lines).not.toMatch(SECRET);
    for (const name of readdirSync(folder)) {
      const file = join(folder, name);
      const is_secret = name.endsWith('.secret');
      expect(SECRET.test(readFileSync(file, 'utf8')), name).toBe(is_secret);
      if (is_secret) expect(statSync(file).mode & 0o777).toBe(0o600);
    }
    expect(readdirSync(folder).some((name) => name.endsWith('.secret'))).toBe(secret === 'file');
    await job.stop();
    expect(readdirSync(folder)).toEqual(['test.slave0']);
  });

  it('is not in the environment of tasks', async () => {
    const job = cluster_job([new CommandSlave(['{command}'], { secret: 'env' })]);
    await job.start();
    const [slave] = job;
    await slave?.run_cmd('await master.send_data(Object.values(process.env).join("\\n"))');
    expect(await slave?.get_data()).not.toMatch(SECRET);
  });
});

/** A job that others may join; where it listens for them, and the words that start a slave by hand. */
async function open_job() {
  const folder = test_folder();
  process.chdir(folder);
  const job = cluster_job([]);
  const command = await job.connect_command();
  const file = /--secret-file '?([^' ]+)/.exec(command)?.[1] as string;
  const [, host = '', port = ''] = /tls:\/\/(\d+\.\d+\.\d+\.\d+):(\d+)/.exec(command) ?? [];
  return { job, command, file, folder, address: { host, port: Number(port) } };
}

/** Starts a slave by hand; resolves to its exit code and what it said. */
function join_by(command: string): Promise<{ code: number | null; stderr: string }> {
  const child = spawn('/bin/sh', ['-c', `exec ${command}`], { stdio: ['ignore', 'ignore', 'pipe'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  let stderr = '';
  child.stderr.on('data', (bytes) => {
    stderr += bytes;
  });
  return new Promise((done) => child.once('exit', (code) => done({ code, stderr })));
}

describe('the encrypted door', () => {
  it('opens for whoever knows the secret', async () => {
    const { job, command } = await open_job();
    const connected = next_event(job, 'slave_connected');
    void join_by(command);
    await connected;
    expect(job.length).toBe(1);
    expect(await job.run_task(add(2, 3))).toBe(5);
  });

  it('stays shut for another secret, which both sides say', async () => {
    const { job, command, file, folder } = await open_job();
    const other = join(folder, 'other');
    writeFileSync(other, 'ab'.repeat(32));
    const refused = next_event(job, 'client_refused');
    const { code, stderr } = await join_by(command.replace(file, other));
    expect(code).toBe(82);
    expect(stderr).toContain('does not know the secret of this job');
    expect((await refused).reason.message).toContain('did not prove that it knows the secret');
    expect(job.length).toBe(0);
  });

  it('stays shut for a client that does not encrypt', async () => {
    const { job, address } = await open_job();
    const refused = next_event(job, 'client_refused');
    const socket = connect(address);
    socket.on('error', () => {});
    socket.write(Buffer.concat([Buffer.from('PJOB'), Buffer.alloc(44)]));
    expect((await refused).reason.message).toContain('does not speak TLS 1.3');
    socket.destroy();
  });

  it('is not taken for a server whose certificate the world trusts, and which knows no secret', async () => {
    const folder = test_folder();
    const read: Buffer[] = [];
    const server = createTlsServer({ key: KEY, cert: CERTIFICATE, minVersion: 'TLSv1.3' }, (socket) => {
      socket.on('error', () => {});
      socket.on('data', (bytes) => read.push(bytes));
    });
    server.on('tlsClientError', () => {});
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    onTestFinished(() => void server.close());
    const { port } = server.address() as { port: number };
    writeFileSync(join(folder, 'authority.pem'), AUTHORITY);
    writeFileSync(join(folder, 'secret'), 'ab'.repeat(32));
    vi.stubEnv('NODE_EXTRA_CA_CERTS', join(folder, 'authority.pem'));
    onTestFinished(() => void vi.unstubAllEnvs());
    const command = `${process.execPath} ${cwd}/bin/slave.js --connect tls://127.0.0.1:${port} --secret file --secret-file ${folder}/secret`;
    const { code, stderr } = await join_by(command);
    expect(stderr).toContain('it shows a certificate');
    expect(code).not.toBe(0);
    expect(Buffer.concat(read).toString('latin1')).toBe('');
  });

  it('is not to be opened from between: changed bytes end the connection, and what goes by is no plain text', async () => {
    const { job, command, address } = await open_job();
    const seen: Buffer[] = [];
    let is_changing = false;
    const sockets: Socket[] = [];
    const proxy = createServer((near) => {
      const far = connect(address);
      sockets.push(near, far);
      for (const socket of [near, far]) socket.on('error', () => socket.destroy());
      near.on('data', (bytes) => {
        seen.push(bytes);
        if (is_changing) bytes[bytes.length - 1] = (bytes.at(-1) as number) ^ 1;
        far.write(bytes);
      });
      far.pipe(near);
      near.on('close', () => far.destroy());
    });
    await new Promise<void>((done) => proxy.listen(0, '127.0.0.1', done));
    onTestFinished(() => {
      for (const socket of sockets) socket.destroy();
      proxy.close();
    });
    const { port } = proxy.address() as { port: number };
    const connected = next_event(job, 'slave_connected');
    void join_by(command.replace(/'?tls:\/\/\S+/, `tls://127.0.0.1:${port}`));
    await connected;
    expect(await job.run_task(add(20, 22))).toBe(42);
    const text = Buffer.concat(seen).toString('latin1');
    expect(text).not.toContain('PJOB');
    expect(text).not.toContain('node_version');
    const broken = next_event(job, 'slave_disconnected');
    is_changing = true;
    void job.run_task(add(1, 1)).catch(() => {});
    await broken;
  });
});

describe('encryption', () => {
  it("is between all with 'always'", async () => {
    const job = cluster_job(local_slaves(2), { encryption: 'always' });
    const started = next_event(job, 'slave_started');
    expect(await job.run_task(add(1, 2))).toBe(3);
    expect((await started).command.join(' ')).toContain('tls://127.0.0.1:');
  });

  it("is nowhere with 'never', and the secret must be known all the same", async () => {
    const folder = test_folder();
    process.chdir(folder);
    const job = cluster_job([], { encryption: 'never' });
    const command = await job.connect_command();
    expect(command).not.toContain('tls://');
    const other = join(folder, 'other');
    writeFileSync(other, 'ab'.repeat(32));
    const { code } = await join_by(command.replace(/--secret-file \S+/, `--secret-file ${other}`));
    expect(code).toBe(82);
  });

  it('leaves nobody a door while all slaves are local', async () => {
    const job = cluster_job(local_slaves(1));
    const started = next_event(job, 'slave_started');
    await job.run_task(add(1, 2));
    expect((await started).command.join(' ')).toMatch(/--connect 127\.0\.0\.1:\d+ /);
  });
});
