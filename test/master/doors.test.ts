import { describe, expect, it } from 'vitest';
import { Log } from '../../src/base/log.js';
import { Doors, type DoorsParts } from '../../src/master/doors.js';
import type { Listener } from '../../src/net/listener.js';
import { interface_addresses, own_name } from '../../src/net/own_addresses.js';

type Options = Partial<DoorsParts['options']>;

/** Listens nowhere, and notes where it was to. */
class FakeListener {
  readonly asked: string[] = [];
  /** Not to be had: `10.0.0.1:4000`. */
  readonly taken = new Set<string>();
  #next = 50_000;

  async listen(host: string, low: number, high: number, is_encrypted = false): Promise<number> {
    for (let port = low === 0 ? this.#next++ : low; ; port++) {
      if (!this.taken.has(`${host}:${port}`)) {
        this.asked.push(`${is_encrypted ? 'tls ' : ''}${host}:${port}`);
        this.taken.add(`${host}:${port}`);
        return port;
      }
      if (low === 0 || port >= high) throw new Error(`${host}:${port} is taken`);
    }
  }
}

function doors(options: Options = {}, former: DoorsParts['former'] = {}) {
  const listener = new FakeListener();
  const log = new Log({ fd: 2, level: 'silent' });
  const all = { host: undefined, ports: [0, 0] as const, encryption: 'auto' as const, ...options };
  const parts = { options: all, listener: listener as unknown as Listener, log, former };
  return { doors: new Doors(parts), listener };
}

const OWN = interface_addresses();
/** An address of this machine that is none of loopback. */
const HERE = OWN[0] as string;
const bracketed = (address: string) => (address.includes(':') ? `[${address}]` : address);

describe('where slaves of this machine find the master', () => {
  it('is loopback, plain', async () => {
    const { doors: opened, listener } = doors();
    expect(await opened.addresses('local')).toEqual(['127.0.0.1:50000']);
    expect(listener.asked).toEqual(['127.0.0.1:50000']);
    expect(opened.ports).toEqual({ local: 50_000 });
  });

  it('is encrypted when all is to be', async () => {
    const { doors: opened, listener } = doors({ encryption: 'always' });
    expect(await opened.addresses('local')).toEqual(['tls://127.0.0.1:50000']);
    expect(listener.asked).toEqual(['tls 127.0.0.1:50000']);
  });

  it.each(['localhost', '127.0.0.1', '127.0.0.5', '::1'])(
    'is the host, when that is loopback: %s',
    async (host) => {
      const { doors: opened, listener } = doors({ host, ports: [4000, 4000] });
      expect(await opened.addresses('local')).toEqual([`${bracketed(host)}:4000`]);
      // also for who thinks that he comes from outside
      expect(await opened.addresses('network')).toEqual([`${bracketed(host)}:4000`]);
      expect(listener.asked).toHaveLength(1);
    },
  );

  it('has the port of the option, if nobody from outside is to have it', async () => {
    expect(await doors({ ports: [4000, 4010] }).doors.addresses('local')).toEqual(['127.0.0.1:4000']);
  });
});

describe.runIf(OWN.length > 0)('where slaves of other machines find the master', () => {
  it('is its name and all its addresses, at one port, encrypted', async () => {
    const { doors: opened, listener } = doors();
    const names = [await own_name(), ...OWN.map(bracketed)];
    expect(await opened.addresses('network')).toEqual(names.map((name) => `tls://${name}:50000`));
    expect(listener.asked).toEqual(OWN.map((address) => `tls ${address}:50000`));
  });

  it('is not encrypted when nothing is to be', async () => {
    const { doors: opened, listener } = doors({ encryption: 'never' });
    for (const address of await opened.addresses('network')) expect(address).not.toContain('tls');
    for (const asked of listener.asked) expect(asked).not.toContain('tls');
  });

  it('is the option host, and no other', async () => {
    const { doors: opened, listener } = doors({ host: HERE, ports: [4000, 4000] });
    expect(await opened.addresses('network')).toEqual([`tls://${bracketed(HERE)}:4000`]);
    expect(listener.asked).toEqual([`tls ${HERE}:4000`]);
    // slaves of this machine come by loopback, at another port
    expect(await opened.addresses('local')).toEqual(['127.0.0.1:50000']);
  });

  it('is looked at before slaves of this machine are started, when there is a host', async () => {
    const { doors: opened, listener } = doors({ host: HERE });
    await opened.addresses('local');
    expect(listener.asked).toEqual([`tls ${HERE}:50000`, '127.0.0.1:50001']);
  });

  it('is the first port of the range that is free', async () => {
    const { doors: opened, listener } = doors({ host: HERE, ports: [4000, 4002] });
    listener.taken.add(`${HERE}:4000`);
    expect(await opened.addresses('network')).toEqual([`tls://${bracketed(HERE)}:4001`]);
  });

  it('is opened once, however many ask', async () => {
    const { doors: opened, listener } = doors();
    const [one, other] = await Promise.all([opened.addresses('network'), opened.addresses('network')]);
    expect(one).toEqual(other);
    expect(listener.asked).toHaveLength(OWN.length);
  });

  it('is where a dead master was, if that can be had, and else elsewhere', async () => {
    const former = { network: 4321, local: 1234 };
    const { doors: opened } = doors({ host: HERE }, former);
    expect(await opened.addresses('network')).toEqual([`tls://${bracketed(HERE)}:4321`]);
    expect(await opened.addresses('local')).toEqual(['127.0.0.1:1234']);
    const second = doors({ host: HERE }, former);
    second.listener.taken.add(`${HERE}:4321`);
    expect(await second.doors.addresses('network')).toEqual([`tls://${bracketed(HERE)}:50000`]);
  });

  it.runIf(OWN.length > 1)('is a port that is free at all addresses, if there is one', async () => {
    const { doors: opened, listener } = doors({ ports: [4000, 4009] });
    listener.taken.add(`${OWN[1]}:4000`);
    const addresses = await opened.addresses('network');
    for (const address of addresses) expect(address).toMatch(/:4001$/);
  });
});

describe('a door that cannot be opened', () => {
  it('is tried again for the next slave', async () => {
    const { doors: opened, listener } = doors({ ports: [4000, 4000] });
    listener.taken.add('127.0.0.1:4000');
    await expect(opened.addresses('local')).rejects.toThrow('127.0.0.1:4000 is taken');
    listener.taken.clear();
    expect(await opened.addresses('local')).toEqual(['127.0.0.1:4000']);
  });

  it('of a host that nobody knows is told with what to do', async () => {
    const { doors: opened } = doors({ host: 'no-such-host.invalid' });
    await expect(opened.addresses('network')).rejects.toMatchObject({
      code: 'PARJOB_ERR_NETWORK',
      message: expect.stringMatching(
        /cannot listen on no-such-host\.invalid: .*give the option host a name or address of this machine/,
      ),
    });
  });
});
