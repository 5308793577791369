import { randomBytes } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import type { Address } from '../../src/net/address.js';
import type { DialError } from '../../src/net/dial.js';
import type { Link } from '../../src/net/link.js';
import { Listener } from '../../src/net/listener.js';
import { first_dial, type Patience, Redialler } from '../../src/slave/redial.js';
import { type Identity, SECRET_BYTES } from '../../src/wire/hello.js';
import { rejection } from '../kit/fake_slave.js';
import { free_port, RawServer } from '../kit/raw_client.js';

const host = '127.0.0.1';
const secret = randomBytes(SECRET_BYTES);
const IDENTITY: Identity = { slave_id: 7, launch: 2, role: 'main', is_resuming: false };

let clean_up: (() => void)[] = [];
afterEach(() => {
  for (const undo of clean_up) undo();
  clean_up = [];
});

interface Master extends Address {
  identities: Identity[];
}

/** A master that listens on `port`, and knows nothing of earlier connections if `knows` says so. */
async function master(knows = true, port = 0, its_secret = secret): Promise<Master> {
  const identities: Identity[] = [];
  const links: Link[] = [];
  const listener = new Listener(its_secret, {
    knows: () => knows,
    on_accept: (identity, link) => {
      identities.push(identity);
      links.push(link);
    },
    on_refuse: () => {},
  });
  clean_up.push(() => {
    listener.close();
    for (const link of links) link.destroy();
  });
  await listener.listen(host, port, port);
  return { host, port: listener.port, identities };
}

/** Something that takes connections and does with them as it is told; it cuts them off otherwise. */
async function cutter(serve = (socket: Socket): unknown => socket.destroy()): Promise<Address> {
  const raw = new RawServer(serve);
  clean_up.push(() => raw.close());
  return { host, port: await raw.listen() };
}

function redialler(address: Address, patience: Partial<Patience> = {}): Redialler {
  const all = { timeout: 10_000, lease: 0, is_busy: () => false, on_dead: () => {}, ...patience };
  return new Redialler([address], secret, IDENTITY, all);
}

async function reach(dialler: Redialler) {
  const dialled = await dialler.reach();
  clean_up.push(() => dialled.link.destroy());
  return dialled;
}

describe('the first dial', () => {
  it('says who dials', async () => {
    const there = await master();
    const { link } = await first_dial([there], secret, IDENTITY);
    clean_up.push(() => link.destroy());
    await expect.poll(() => there.identities).toEqual([IDENTITY]);
  });

  it('is tried again when it is cut off in the handshake', async () => {
    const there = await master();
    let connections = 0;
    const address = await cutter((socket) => {
      if (++connections < 3) socket.destroy();
      else socket.pipe(connect(there.port, host)).pipe(socket);
    });
    const { link } = await first_dial([address], secret, IDENTITY);
    clean_up.push(() => link.destroy());
    expect(connections).toBe(3);
  });

  it('is given up after four cuts', async () => {
    let cuts = 0;
    const cutting = await cutter((socket) => {
      cuts++;
      socket.destroy();
    });
    const error = await rejection<DialError>(first_dial([cutting], secret, IDENTITY));
    expect(error).toMatchObject({ was_cut: true, refusal: undefined });
    expect(cuts).toBe(4);
  });

  it('is not tried again where nobody listens, or where it is refused', async () => {
    const nobody = { host, port: await free_port() };
    const error = await rejection<DialError>(first_dial([nobody], secret, IDENTITY));
    expect(error.without_listener).toEqual([nobody]);
    const other = await master(true, 0, randomBytes(SECRET_BYTES));
    expect(await rejection<DialError>(first_dial([other], secret, IDENTITY))).toMatchObject({
      refusal: 'bad_secret',
    });
  });
});

describe('a slave that comes back', () => {
  it('says that it resumes', async () => {
    const there = await master();
    expect((await reach(redialler(there))).is_unknown).toBe(false);
    await expect.poll(() => there.identities).toEqual([{ ...IDENTITY, is_resuming: true }]);
  });

  it('gives up at once where nobody listens any more: the master is dead', async () => {
    const nobody = { host, port: await free_port() };
    const deaths: string[] = [];
    const error = await rejection<DialError>(
      redialler(nobody, { on_dead: () => void deaths.push('dead') }).reach(),
    );
    expect(error.without_listener).toEqual([nobody]);
    expect(deaths).toEqual([]);
  });

  it('gives up at once where its master was, whatever other addresses say', async () => {
    const home = { host, port: await free_port() };
    const elsewhere = await cutter(() => {});
    const patience = { timeout: 20_000, lease: 0, is_busy: () => false, on_dead: () => {} };
    const redialler = new Redialler([elsewhere, home], secret, IDENTITY, patience, home);
    const error = await rejection<DialError>(redialler.reach());
    expect(error.without_listener).toEqual([home]);
  });

  it('gives up at once when it is refused, or when the master does not know it any more', async () => {
    const other = await master(true, 0, randomBytes(SECRET_BYTES));
    expect(await rejection<DialError>(redialler(other).reach())).toMatchObject({ refusal: 'bad_secret' });
    const stranger = await master(false);
    expect((await rejection(redialler(stranger).reach())).message).toContain('given this slave up');
  });

  it('gives up when the time is over in which a connection is only cut', async () => {
    const cutting = await cutter();
    const error = await rejection(redialler(cutting, { timeout: 120 }).reach());
    expect(error.message).toBe('the master could not be reached in time');
  });

  it('has no more time when it is dropped again, unless the master was heard in between', async () => {
    const there = await master();
    const dialler = redialler(there, { timeout: 100 });
    await reach(dialler);
    // to go on costs half a second after the first time, and the time was a tenth
    expect((await rejection(dialler.reach())).message).toBe('the master could not be reached in time');
    dialler.reset();
    await reach(dialler);
  });
});

describe('a slave with a lease', () => {
  it('waits for another master where the one that was is dead, and learns that it is another', async () => {
    const port = await free_port();
    let deaths = 0;
    let another: Promise<Master> | undefined;
    const on_dead = () => {
      deaths++;
      another = master(false, port);
    };
    const dialled = await reach(redialler({ host, port }, { lease: 20_000, on_dead }));
    expect(dialled.is_unknown).toBe(true);
    expect(deaths).toBe(1);
    expect((await another)?.port).toBe(port);
  });

  it('gives up when it is over, counted from the end of the task that runs', async () => {
    const nobody = { host, port: await free_port() };
    let asked = 0;
    const is_busy = () => ++asked < 4;
    const dialler = redialler(nobody, { timeout: 1, lease: 60, is_busy });
    expect((await rejection(dialler.reach())).message).toBe('the master could not be reached in time');
    expect(asked).toBeGreaterThanOrEqual(4);
  });
});
