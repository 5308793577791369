/** The probe of a host: that its scratch folder can be written, that there is room, that the program can be run. */
import { randomBytes } from 'node:crypto';
import { constants, existsSync } from 'node:fs';
import { access, mkdir, open, rm, statfs } from 'node:fs/promises';
import { hostname } from 'node:os';
import { delimiter, dirname, join, resolve } from 'node:path';
import type { FarCall } from './call.js';
import type { HostFacts } from './messages.js';
import { scratch_folder } from './scratch.js';

export interface ProbeOrder {
  scratch: string | undefined;
  /** Folder of this job in there. */
  folder: string;
  /** Programs that must be there: names or paths. */
  programs: readonly string[];
  /** Less room than that is too little. */
  min_free_bytes: number;
}

/** @throws Error that says what is wrong with the host */
export async function probe(_call: FarCall, order: ProbeOrder): Promise<HostFacts> {
  const scratch = join(scratch_folder(order.scratch), order.folder);
  await check_writable(scratch);
  const { bavail, bsize } = await statfs(scratch);
  const free_bytes = bavail * bsize;
  if (free_bytes < order.min_free_bytes)
    throw new Error(`${scratch} has ${free_bytes} bytes free, less than ${order.min_free_bytes}`);
  for (const program of order.programs) await check_program(program);
  return { hostname: hostname(), node: process.version, scratch, free_bytes };
}

async function check_writable(folder: string): Promise<void> {
  const name = join(folder, `.probe-${process.pid}-${randomBytes(4).toString('hex')}`);
  try {
    await make_folder(folder);
    const file = await open(name, 'wx+');
    try {
      await file.write('parjob');
      await file.sync();
      const { buffer } = await file.read(Buffer.alloc(6), 0, 6, 0);
      if (buffer.toString() !== 'parjob') throw new Error('it does not give back what was written');
    } finally {
      await file.close();
    }
    await rm(name);
  } catch (error) {
    throw new Error(`the scratch folder ${folder} cannot be used: ${(error as Error).message}`);
  }
}

/**
 * Makes a folder, and those above it. Not by the option `recursive`: where the folder above is there and still says that
 * nothing can be in it, as below an automounter's, Node tries that again for ever.
 */
async function make_folder(folder: string): Promise<void> {
  const make = () =>
    mkdir(folder, { mode: 0o700 }).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
    });
  try {
    await make();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    // another host may have made it meanwhile, on the same file system
    const above = dirname(folder);
    if (!existsSync(above)) await make_folder(above);
    await make();
  }
}

async function check_program(program: string): Promise<void> {
  const places = program.includes('/')
    ? [resolve(program)]
    : (process.env['PATH'] ?? '').split(delimiter).map((folder) => join(folder, program));
  for (const place of places) {
    try {
      await access(place, constants.X_OK);
      return;
    } catch {
      // the next one
    }
  }
  throw new Error(`the program ${program} is not there, or may not be run`);
}
