/**
 * Orders of a person to a master that runs: small files in a folder beside the status file, which it looks into.
 *
 *     parjob status --set 7=todo  ─▶  <status file>.orders/<time>-<number>.json  ─▶  the master does it, removes it
 *
 * When no master runs they wait for the next one.
 */
import { randomBytes } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export type Order =
  | { kind: 'set_section'; id: string; state: 'todo' | 'failed' }
  | { kind: 'drain_host'; host: string }
  | { kind: 'release_host'; host: string };

/** Orders that this process has left: what is left in one ms keeps its order. */
let left = 0;

function folder_of(status_file: string): string {
  return `${status_file}.orders`;
}

/** Leaves an order for the master. It appears whole. */
export function leave_order(status_file: string, order: Order): void {
  const folder = folder_of(status_file);
  mkdirSync(folder, { recursive: true });
  const [time, number] = [String(Date.now()).padStart(15, '0'), String(left++).padStart(6, '0')];
  const name = `${time}-${number}-${randomBytes(4).toString('hex')}`;
  const path = join(folder, `${name}.json`);
  writeFileSync(`${path}.tmp`, JSON.stringify(order));
  renameSync(`${path}.tmp`, path);
}

/** Takes the orders that were left, oldest first. What is no order is removed, and told to `on_bad`. */
export function take_orders(status_file: string, on_bad: (text: string) => void): Order[] {
  const folder = folder_of(status_file);
  let names: string[];
  try {
    names = readdirSync(folder).filter((name) => name.endsWith('.json'));
  } catch {
    return [];
  }
  const orders: Order[] = [];
  for (const name of names.toSorted()) {
    const path = join(folder, name);
    try {
      const order = parse_order(readFileSync(path, 'utf8'));
      if (order === undefined) on_bad(`${path} is no order and was removed`);
      else orders.push(order);
    } catch (error) {
      on_bad(`${path} cannot be read: ${(error as Error).message}`);
    }
    rmSync(path, { force: true });
  }
  return orders;
}

function parse_order(text: string): Order | undefined {
  let value: Record<string, unknown>;
  try {
    value = JSON.parse(text) as Record<string, unknown>;
  } catch {
    return undefined;
  }
  const { kind, id, state, host } = value ?? {};
  if (kind === 'set_section' && typeof id === 'string' && (state === 'todo' || state === 'failed'))
    return { kind, id, state };
  if ((kind === 'drain_host' || kind === 'release_host') && typeof host === 'string') return { kind, host };
  return undefined;
}
