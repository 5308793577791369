/**
 * Doors: where a job listens, and what its slaves are told of that.
 *
 *     inner    loopback, plain: for slaves of this machine, and for those that come through a tunnel
 *     outer    the option host, or else all interfaces, one port: for all others; encrypted
 *
 * Each is opened when the first slave needs it, the outer one also when `host` is given: a job whose slaves are all local, and
 * that has none, cannot be reached from outside.
 */
import type { Log } from '../base/log.js';
import { NetworkError } from '../errors.js';
import { format_address } from '../net/address.js';
import type { Listener } from '../net/listener.js';
import { addresses_of, interface_addresses, is_loopback, own_name } from '../net/own_addresses.js';
import type { ResolvedJobOptions } from './job_options.js';

export type Reach = 'local' | 'network';

const LOOPBACK = '127.0.0.1';
/** Searches for a port that is free at all addresses. */
const PORT_TRIES = 8;

export interface DoorsParts {
  options: Pick<ResolvedJobOptions, 'host' | 'ports' | 'encryption'>;
  listener: Listener;
  log: Log;
  /** Where a master that is dead listened: its slaves look for the next one there. */
  former: Partial<Record<Reach, number | undefined>>;
}

export class Doors {
  readonly #parts: DoorsParts;
  readonly #open: Partial<Record<Reach, Promise<string[]>>> = {};
  readonly ports: Partial<Record<Reach, number>> = {};

  constructor(parts: DoorsParts) {
    this.#parts = parts;
  }

  /**
   * Where slaves of that reach find the master. Opens the door if it is not.
   * @throws NetworkError (PARJOB_ERR_NETWORK) when it cannot be opened
   */
  addresses(reach: Reach): Promise<string[]> {
    const known = this.#open[reach];
    if (known !== undefined) return known;
    const opening = reach === 'local' ? this.#open_inner() : this.#open_outer();
    this.#open[reach] = opening;
    opening.catch(() => {
      // the next slave may have more luck
      delete this.#open[reach];
    });
    return opening;
  }

  async #open_inner(): Promise<string[]> {
    const { host, encryption, ports } = this.#parts.options;
    const is_own = host !== undefined && (host === 'localhost' || is_loopback(host));
    const inner_host = is_own ? host : LOOPBACK;
    const is_encrypted = encryption === 'always';
    // who gives a host wants to be reached there, and to hear of it if that cannot be
    if (host !== undefined && !is_own) await this.addresses('network');
    // the option port is for those outside, if there is to be an outside
    const wanted = host === undefined || is_own ? ports : ([0, 0] as const);
    const port = await this.#listen('local', inner_host, wanted, is_encrypted);
    return [format_address({ host: inner_host, port, is_encrypted })];
  }

  async #open_outer(): Promise<string[]> {
    const { host, encryption, ports } = this.#parts.options;
    if (host === 'localhost' || (host !== undefined && is_loopback(host))) return this.addresses('local');
    const is_encrypted = encryption !== 'never';
    const [name, addresses] =
      host === undefined ? [await own_name(), interface_addresses()] : [host, await resolve(host)];
    // a machine without a network: whoever comes, comes from here
    if (addresses.length === 0) addresses.push(LOOPBACK);
    const port = await this.#listen_at_all(addresses, ports, is_encrypted);
    const names = host === undefined ? [name, ...addresses] : [name];
    return names.map((one) => format_address({ host: one, port, is_encrypted }));
  }

  /** One port for all addresses, so that a firewall needs one rule. */
  async #listen_at_all(
    addresses: readonly string[],
    [low, high]: readonly [number, number],
    is_encrypted: boolean,
  ): Promise<number> {
    const [first, ...others] = addresses as [string, ...string[]];
    const { listener, log } = this.#parts;
    let from = low;
    for (let tries = 1; ; tries++) {
      const port = await this.#listen('network', first, [from, high], is_encrypted);
      const failures: Error[] = [];
      for (const address of others) {
        await listener
          .listen(address, port, port, is_encrypted)
          .catch((error: Error) => failures.push(error));
      }
      const [failure] = failures;
      if (failure === undefined) return port;
      // what is open stays so: it does no harm, and slaves try all addresses
      const is_last = tries === PORT_TRIES || (low !== 0 && port >= high);
      if (is_last) log.warn({ reason: failure.message }, 'the master does not listen at all its addresses');
      if (is_last) return port;
      if (low !== 0) from = port + 1;
    }
  }

  async #listen(
    reach: Reach,
    host: string,
    [low, high]: readonly [number, number],
    is_encrypted: boolean,
  ): Promise<number> {
    const { listener, log, former } = this.#parts;
    const before = former[reach];
    let port: number | undefined;
    if (before !== undefined) {
      port = await listener.listen(host, before, before, is_encrypted).catch((error: Error) => {
        log.warn({ reason: error.message }, 'slaves of the earlier run will not find this one');
        return undefined;
      });
    }
    port ??= await listener.listen(host, low, high, is_encrypted);
    this.ports[reach] = port;
    return port;
  }
}

async function resolve(host: string): Promise<string[]> {
  try {
    const addresses = await addresses_of(host);
    return [addresses.find((address) => !is_loopback(address)) ?? (addresses[0] as string)];
  } catch (error) {
    throw new NetworkError(
      `the master cannot listen on ${host}: ${(error as Error).message}; give the option host a name or address of this machine`,
      { cause: error },
    );
  }
}
