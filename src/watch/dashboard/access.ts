/**
 * Access: who may see the dashboard, and who may act by it. On loopback anybody on this machine may look; to
 * act, and from elsewhere to look, one must have the token. It is in the fragment of the link, which browsers
 * do not send, and comes in the header `authorization: Bearer`, or as `?token=` where no header can be set.
 */
import { randomBytes, timingSafeEqual } from 'node:crypto';

const LOOPBACK = new Set(['127.0.0.1', '::1', 'localhost', '[::1]']);

export interface Question {
  /** Headers and query of a request. */
  host: string | undefined;
  authorization: string | undefined;
  token: string | undefined;
}

export class Access {
  readonly token: string;
  readonly #is_loopback: boolean;

  constructor(host: string, token: string = randomBytes(18).toString('base64url')) {
    this.token = token;
    this.#is_loopback = LOOPBACK.has(host);
  }

  /**
   * A page of somebody else's whose name was made to mean this machine must not read what only this machine
   * may: the request must name it.
   */
  is_addressed({ host }: Question): boolean {
    if (!this.#is_loopback) return true;
    return LOOPBACK.has((host ?? '').replace(/:\d+$/, ''));
  }

  may_see(question: Question): boolean {
    return this.#is_loopback || this.may_act(question);
  }

  may_act({ authorization, token }: Question): boolean {
    const given = authorization?.startsWith('Bearer ') === true ? authorization.slice(7) : token;
    if (given === undefined) return false;
    const [a, b] = [Buffer.from(given), Buffer.from(this.token)];
    return a.length === b.length && timingSafeEqual(a, b);
  }
}
