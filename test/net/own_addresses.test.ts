import { isIP } from 'node:net';
import { hostname } from 'node:os';
import { describe, expect, it } from 'vitest';
import { addresses_of, interface_addresses, is_loopback, own_name } from '../../src/net/own_addresses.js';

describe('the addresses of this machine', () => {
  it('are none that only this machine, or only its link, can reach, and IPv4 comes first', () => {
    const addresses = interface_addresses();
    for (const address of addresses) {
      expect(isIP(address)).toBeGreaterThan(0);
      expect(is_loopback(address)).toBe(false);
      expect(address).not.toMatch(/^(fe[89ab]|169\.254\.)/i);
    }
    const families = addresses.map(isIP);
    expect(families).toEqual(families.toSorted());
  });

  it('has a name, which begins with the one that it gives itself', async () => {
    expect(await own_name()).toMatch(new RegExp(`^${hostname().split('.')[0]}(\\.|$)`));
  });

  it.each([
    ['127.0.0.1', true],
    ['127.8.9.1', true],
    ['::1', true],
    ['10.0.0.1', false],
    ['::', false],
    ['128.0.0.1', false],
  ])('%s: loopback is %s', (address, is) => {
    expect(is_loopback(address)).toBe(is);
  });

  it('are found by name, and a name that stands for none is told', async () => {
    expect(await addresses_of('127.0.0.1')).toEqual(['127.0.0.1']);
    await expect(addresses_of('no-such-host.invalid')).rejects.toThrow(/no-such-host\.invalid/);
  });
});
