/**
 * A slave's way in: reads its command line, dials the master, and serves it (slave_process.ts).
 *
 * The secret comes by environment, stdin or file, never on the command line.
 */
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { EXIT_BAD_SECRET, EXIT_CANNOT_REACH, EXIT_VERSION_DIFFERS } from '../launch/exit_code.js';
import { parse_addresses } from '../net/address.js';
import { DialError } from '../net/dial.js';
import { NO_SLAVE_ID, SECRET_BYTES } from '../wire/hello.js';
import { group_of } from './end.js';
import { NodeProcess } from './own_process.js';
import { first_dial } from './redial.js';
import { type SlaveArguments, SlaveProcess } from './slave_process.js';
import { read_first_line } from './stdin.js';

const EXIT_USAGE = 2;

function read_arguments(): SlaveArguments {
  const { values } = parseArgs({
    options: {
      name: { type: 'string' },
      id: { type: 'string' },
      launch: { type: 'string' },
      connect: { type: 'string' },
      secret: { type: 'string' },
      'secret-file': { type: 'string' },
      'own-group': { type: 'boolean' },
      batch: { type: 'boolean' },
      'ends-at': { type: 'string' },
    },
  });
  const file = values['secret-file'];
  const way = values.secret ?? (file === undefined ? 'env' : 'file');
  const secret = read_secret(way, file);
  if (values.connect === undefined || secret === undefined) {
    throw new Error(
      'a slave needs --connect with the addresses of its master and the secret of the job, by --secret-file FILE, --secret stdin, or in the ' +
        'environment as PARJOB_SECRET. A Job starts its slaves itself; job.connect_command() says how to start one by hand',
    );
  }
  // a batch system that does not tell leaves it empty
  const ends_at = Number(values['ends-at'] ?? 0);
  return {
    name: values.name ?? 'slave',
    slave_id: Number(values.id ?? NO_SLAVE_ID),
    launch: Number(values.launch ?? 0),
    addresses: parse_addresses(values.connect),
    owns_group: values['own-group'] === true || leads_group(),
    reads_stdin: way === 'stdin',
    is_batch: values.batch === true,
    ends_at: ends_at > 0 ? ends_at * 1000 : undefined,
    secret,
  };
}

function read_file(file: string): string {
  try {
    return readFileSync(file, 'latin1');
  } catch (error) {
    throw new Error(
      `the file with the secret of the job cannot be read: ${(error as Error).message}; it goes when the job ends, and stands in the ` +
        'directory of its master: ask job.connect_command() for the command that is right now',
    );
  }
}

/** Neither the tasks nor the programs that they start have any business with it: what is read is taken away. */
function read_secret(way: string, file: string | undefined): Buffer | undefined {
  const in_env = process.env['PARJOB_SECRET'];
  delete process.env['PARJOB_SECRET'];
  if (way === 'env') return in_env === undefined ? undefined : as_secret(in_env, 'PARJOB_SECRET');
  if (way === 'file' && file !== undefined) return as_secret(read_file(file), file);
  if (way !== 'stdin') throw new Error(`--secret is env, stdin or file with --secret-file; got ${way}`);
  const line = read_first_line();
  if (!line.startsWith('{')) return as_secret(line, 'the first line of stdin');
  const { secret, env } = parse_line(line);
  for (const [name, value] of Object.entries(env)) {
    if (value === null) delete process.env[name];
    else process.env[name] = value;
  }
  return as_secret(secret, 'the first line of stdin');
}

function parse_line(line: string): { secret: string; env: Record<string, string | null> } {
  try {
    return JSON.parse(line);
  } catch {
    // what JSON.parse says may cite the secret
    throw new Error('the first line of stdin is no JSON that a master writes');
  }
}

function as_secret(text: string, where: string): Buffer {
  const secret = Buffer.from(text.trim(), 'hex');
  if (secret.length === SECRET_BYTES) return secret;
  throw new Error(
    `${where} does not hold the secret of a job, which is ${2 * SECRET_BYTES} hexadecimal digits`,
  );
}

/** Whether the group of this process is its own, so that it may end with it. Known on Linux only. */
function leads_group(): boolean {
  return group_of('self') === process.pid;
}

function exit_code_of(error: unknown): number {
  const refusal = error instanceof DialError ? error.refusal : undefined;
  if (refusal === 'bad_secret') return EXIT_BAD_SECRET;
  return refusal === 'version_differs' ? EXIT_VERSION_DIFFERS : EXIT_CANNOT_REACH;
}

async function serve(args: SlaveArguments): Promise<void> {
  const { addresses, secret, slave_id, launch } = args;
  const identity = { slave_id, launch, role: 'main' as const, is_resuming: false };
  const dialled = await first_dial(addresses, secret, identity).catch((error: Error) => {
    console.error(error.message);
    process.exit(exit_code_of(error));
  });
  new SlaveProcess(args, identity, dialled, new NodeProcess(args.owns_group));
}

/** A Job made while this process is a slave is refused: see Job. */
(globalThis as Record<symbol, unknown>)[Symbol.for('parjob.is_slave')] = true;

let args: SlaveArguments;
try {
  args = read_arguments();
} catch (error) {
  console.error(`parjob slave: ${(error as Error).message}`);
  process.exit(EXIT_USAGE);
}
await serve(args);
