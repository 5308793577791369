import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { UsageError } from '../../src/errors.js';
import { format_address, parse_addresses } from '../../src/net/address.js';

/** One of them. */
const parse_address = (text: string) => parse_addresses(text)[0];

describe('an address of a master', () => {
  it.each([
    ['127.0.0.1:40123', { host: '127.0.0.1', port: 40_123, is_encrypted: false }],
    ['[::1]:40123', { host: '::1', port: 40_123, is_encrypted: false }],
    ['tls://head.cluster:1', { host: 'head.cluster', port: 1, is_encrypted: true }],
    ['tls://[2001:db8::7]:65535', { host: '2001:db8::7', port: 65_535, is_encrypted: true }],
  ])('is read, and written as it was: %s', (text, address) => {
    expect(parse_address(text)).toEqual(address);
    expect(format_address(address)).toBe(text);
  });

  it.each([
    [''],
    ['head'],
    ['head:'],
    [':4000'],
    ['head:65536'],
    ['head:port'],
    ['::1:4000'],
    ['[::1]'],
    ['http://head:4000'],
    ['tls://'],
    ['a b:4000'],
    ['head:4000/x'],
    ['head:4000\n'],
  ])('is refused when it is none: %j', (text) => {
    expect(() => parse_address(text)).toThrow(UsageError);
    expect(() => parse_address(text)).toThrow(
      /host:port, \[IPv6 address\]:port, or one of them after tls:\/\/; got /,
    );
  });

  it('goes through text and back', () => {
    const host = fc.oneof(fc.ipV4(), fc.ipV6(), fc.domain());
    fc.assert(
      fc.property(host, fc.nat(65_535), fc.boolean(), (host, port, is_encrypted) => {
        const address = { host, port, is_encrypted };
        expect(parse_address(format_address(address))).toEqual(address);
        expect(parse_addresses([address, address].map(format_address).join(','))).toEqual([address, address]);
      }),
    );
  });
});
