/** Under which names and addresses other machines may reach this one. */
import { lookup, lookupService } from 'node:dns/promises';
import { hostname, networkInterfaces } from 'node:os';

/** The addresses of this machine's interfaces, but loopback and those that need a zone. */
export function interface_addresses(): string[] {
  const found: string[] = [];
  for (const addresses of Object.values(networkInterfaces())) {
    for (const { address, internal, family } of addresses ?? []) {
      const is_link_local = family === 'IPv6' ? /^fe[89ab]/i.test(address) : address.startsWith('169.254.');
      if (!internal && !is_link_local) found.push(address);
    }
  }
  // IPv4 first: nodes of a cluster have it more often
  return found.sort((a, b) => Number(a.includes(':')) - Number(b.includes(':')));
}

/** The fully qualified name of this machine, or what comes nearest. */
export async function own_name(): Promise<string> {
  const name = hostname();
  if (name.includes('.')) return name;
  try {
    const { address } = await lookup(name);
    const { hostname: full } = await lookupService(address, 0);
    return full.startsWith(`${name}.`) ? full : name;
  } catch {
    return name;
  }
}

/** The addresses that a name stands for here. @throws Error when it stands for none */
export async function addresses_of(host: string): Promise<string[]> {
  return (await lookup(host, { all: true })).map(({ address }) => address);
}

export function is_loopback(address: string): boolean {
  return address.startsWith('127.') || address === '::1';
}
