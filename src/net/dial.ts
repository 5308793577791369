/**
 * Dial: how a slave reaches its master. It is told a list of addresses, dials them all, a little
 * staggered, and keeps the first that completes the handshake; so a wrong guess among them is harmless.
 */
import { NetworkError } from '../errors.js';
import { type Identity, type Refusal, SlaveHandshake } from '../wire/hello.js';
import type { Link } from './link.js';
import { TcpLink } from './tcp_link.js';

export interface Address {
  host: string;
  port: number;
}

/** Start of the next address when the one before has not answered, ms. */
const STAGGER = 200;
/** All of it, ms. */
const DIAL_TIMEOUT = 10_000;

/** Where the handshake was completed. `rest` came after it. */
export interface Dialled {
  link: Link;
  rest: Buffer;
}

/** No address led to the master. The text names every address and what it said. */
export class DialError extends NetworkError {
  /** Set when something there answered and refused, or was refused. */
  readonly refusal: Refusal | undefined;

  constructor(message: string, refusal: Refusal | undefined) {
    super(message);
    this.refusal = refusal;
  }
}

/** @throws DialError (PARJOB_ERR_NETWORK) */
export async function dial(
  addresses: readonly Address[],
  secret: Buffer,
  identity: Identity,
): Promise<Dialled> {
  const said = new Map<string, string>();
  const links: Link[] = [];
  const timers: NodeJS.Timeout[] = [];
  let refusal: Refusal | undefined;
  return new Promise<Dialled>((resolve, reject) => {
    let failed = 0;
    const finish = () => {
      for (const timer of timers) clearTimeout(timer);
    };
    const fail = (address: Address, why: string) => {
      said.set(`${address.host}:${address.port}`, why);
      failed++;
      if (failed === addresses.length) give_up();
    };
    const give_up = () => {
      finish();
      for (const link of links) link.destroy();
      const story = addresses.map((a) => {
        const name = `${a.host}:${a.port}`;
        return `${name} (${said.get(name) ?? `no answer within ${DIAL_TIMEOUT} ms`})`;
      });
      reject(new DialError(`cannot reach the master: tried ${story.join(', ')}`, refusal));
    };
    timers.push(setTimeout(give_up, DIAL_TIMEOUT));
    for (const [i, address] of addresses.entries()) {
      const start = () => {
        const handshake = new SlaveHandshake(secret, identity);
        const link = TcpLink.dial(address.host, address.port, () => link.send([handshake.hello]));
        links.push(link);
        link.on_close = (error) => fail(address, error?.message ?? 'closed the connection in the handshake');
        link.read_with({
          push: (bytes) => {
            const verdict = handshake.push(bytes);
            if (verdict.refused !== undefined) {
              refusal = verdict.refused.refusal;
              link.destroy(verdict.refused);
            } else if (verdict.reply !== undefined && verdict.rest !== undefined) {
              link.send([verdict.reply]);
              link.on_close = undefined;
              finish();
              for (const other of links) {
                if (other === link) continue;
                other.on_close = undefined;
                other.destroy();
              }
              resolve({ link, rest: Buffer.from(verdict.rest) });
            }
          },
        });
      };
      if (i === 0) start();
      else timers.push(setTimeout(start, i * STAGGER));
    }
  });
}
