/**
 * A slave's way in: reads its command line, dials the master, and serves it (slave_process.ts).
 *
 * The secret comes by environment, never on the command line.
 */
import { parseArgs } from 'node:util';
import { EXIT_BAD_SECRET, EXIT_CANNOT_REACH, EXIT_VERSION_DIFFERS } from '../launch/exit_code.js';
import { type Address, DialError } from '../net/dial.js';
import { first_dial } from './redial.js';
import { type SlaveArguments, SlaveProcess } from './slave_process.js';

function read_arguments(): SlaveArguments {
  const { values } = parseArgs({
    options: {
      name: { type: 'string' },
      id: { type: 'string' },
      launch: { type: 'string' },
      connect: { type: 'string' },
      'own-group': { type: 'boolean' },
    },
  });
  const secret = process.env['PARJOB_SECRET'];
  // neither the tasks nor the programs that they start have any business with these
  delete process.env['PARJOB_SECRET'];
  if (values.connect === undefined || values.id === undefined || secret === undefined) {
    console.error(
      'This is a slave of a parjob job: a Job starts it, with --connect, --id and the secret in its environment.',
    );
    process.exit(2);
  }
  return {
    name: values.name ?? 'slave',
    slave_id: Number(values.id),
    launch: Number(values.launch ?? 0),
    addresses: values.connect.split(',').map(read_address),
    owns_group: values['own-group'] === true,
    secret: Buffer.from(secret, 'hex'),
  };
}

function read_address(text: string): Address {
  const colon = text.lastIndexOf(':');
  return { host: text.slice(0, colon).replace(/^\[(.*)\]$/, '$1'), port: Number(text.slice(colon + 1)) };
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
  new SlaveProcess(args, identity, dialled);
}

/** A Job made while this process is a slave is refused: see Job. */
(globalThis as Record<symbol, unknown>)[Symbol.for('parjob.is_slave')] = true;

await serve(read_arguments());
