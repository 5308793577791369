/**
 * Line: the near end of the calls to one slave. It runs a command there, serve, and speaks with it by send_data and
 * get_data for as long as the slave lives; see far/messages.ts for what is said.
 */
import { Deferred } from '../base/deferred.js';
import { PACKAGE_ROOT } from '../base/package_root.js';
import { give_memory_back } from '../base/spare_memory.js';
import { thrown_text } from '../base/thrown_text.js';
import { NetworkError, ParjobError } from '../errors.js';
import type { Slave } from '../master/slave.js';
import { type ToFar, type ToNear, WINDOW_BYTES } from './far/messages.js';
import type { Handlers } from './far/serve.js';

/** Where the far end stands when the slave cannot say where its own parjob is: beside this, as built. */
const FAR_URL = new URL('dist/bundle/serve.js', PACKAGE_ROOT).href;

/** The slave's own parjob comes first: it may stand elsewhere there. */
const SERVE = `
  const { pathToFileURL } = await import('node:url');
  const { existsSync, realpathSync } = await import('node:fs');
  const script = process.argv[1] === undefined ? undefined : pathToFileURL(realpathSync(process.argv[1]));
  const own = script === undefined ? undefined : new URL('../dist/bundle/serve.js', script);
  const { serve } = await import(own !== undefined && existsSync(own) ? own.href : args[0]);
  await serve(master);
`;

/** From the end of a line to the end of the service, if the slave does not say, ms. */
const CLOSE_TIME = 5000;

type HandlerName = keyof Handlers;
type ArgsOf<N extends HandlerName> = Handlers[N] extends (call: never, ...args: infer Args) => unknown
  ? Args
  : never;
type ResultOf<N extends HandlerName> = Awaited<ReturnType<Handlers[N]>>;

export interface CallOptions {
  /** What is sent in the call, which owns the chunks. */
  feed?: AsyncIterable<Uint8Array> | undefined;
  /** Takes what the far end sends; the far end waits for it. */
  on_bytes?: ((bytes: Uint8Array) => Promise<void> | void) | undefined;
  on_note?: ((note: unknown) => void) | undefined;
  signal?: AbortSignal | undefined;
}

/** The far end refused: something is wrong there, and the connection is well. */
class FarError extends ParjobError {
  static {
    this.prototype.name = 'FarError';
  }
  /** The system's code, such as ENOSPC. */
  readonly system_code: string | undefined;

  constructor(message: string, system_code: string | undefined) {
    super(message);
    this.system_code = system_code;
  }
}

interface OpenCall {
  result: Deferred<unknown>;
  options: CallOptions;
  /** What was sent and not taken, and its bytes. */
  sent: Uint8Array[];
  untaken: number;
  room: Deferred<void> | undefined;
  /** What has come is taken in order. */
  taking: Promise<void>;
  /** What `on_bytes` threw. */
  error: Error | undefined;
}

export class Line {
  readonly slave: Slave;
  readonly #calls = new Map<number, OpenCall>();
  #next_id = 1;
  #closed: Error | undefined;
  readonly #ended = new Deferred<Error>();
  /** Until the service has ended. */
  readonly #listening: Promise<void>;

  /** Begins to serve on `slave`, which must be ready. */
  static async open(slave: Slave): Promise<Line> {
    await slave.run_cmd(SERVE, FAR_URL);
    return new Line(slave);
  }

  private constructor(slave: Slave) {
    this.slave = slave;
    this.#listening = this.#listen();
  }

  get is_open(): boolean {
    return this.#closed === undefined;
  }

  /** Resolves, with the reason, when the slave is gone or serves no more. */
  get ended(): Promise<Error> {
    return this.#ended.promise;
  }

  /** Ends the service. When it resolves the slave is free for other things, such as another line. */
  async close(): Promise<void> {
    if (this.#closed !== undefined) return;
    await this.#send({ kind: 'bye' }).catch(() => {});
    this.#close(new NetworkError(`${this.slave} serves no more`));
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, CLOSE_TIME);
    });
    await Promise.race([this.#listening, late]);
    clearTimeout(timer);
  }

  /**
   * Asks the far end for something. When `signal` is aborted it is told to end what it does, and answered is
   * what that came to.
   * @throws FarError when it failed there
   * @throws NetworkError (PARJOB_ERR_NETWORK) when the slave is gone
   * @throws what `feed` or `on_bytes` throws
   */
  async call<N extends HandlerName>(
    name: N,
    args: ArgsOf<N>,
    options: CallOptions = {},
  ): Promise<ResultOf<N>> {
    if (this.#closed !== undefined) throw this.#closed;
    const { feed, signal } = options;
    signal?.throwIfAborted();
    const id = this.#next_id++;
    const call: OpenCall = {
      result: new Deferred(),
      options,
      sent: [],
      untaken: 0,
      room: undefined,
      taking: Promise.resolve(),
      error: undefined,
    };
    this.#calls.set(id, call);
    const abort = () => this.#abort(id, signal?.reason);
    signal?.addEventListener('abort', abort, { once: true });
    try {
      // before anything is awaited: whoever reads it is not there yet when it fails at once
      call.result.promise.catch(() => {});
      await this.#send({ kind: 'call', id, name, args: args as readonly unknown[] });
      if (feed !== undefined) await this.#feed(id, call, feed);
      const result = await call.result.promise;
      await call.taking;
      if (call.error !== undefined) throw call.error;
      return result as ResultOf<N>;
    } catch (error) {
      throw call.error ?? error;
    } finally {
      signal?.removeEventListener('abort', abort);
      this.#calls.delete(id);
    }
  }

  async #feed(id: number, call: OpenCall, feed: AsyncIterable<Uint8Array>): Promise<void> {
    let is_settled = false;
    const settled = call.result.promise.then(
      () => {
        is_settled = true;
      },
      () => {
        is_settled = true;
      },
    );
    try {
      for await (const bytes of feed) {
        while (call.untaken >= WINDOW_BYTES && !is_settled) {
          call.room ??= new Deferred();
          await Promise.race([call.room.promise, settled]);
        }
        if (is_settled) return;
        call.untaken += bytes.byteLength;
        call.sent.push(bytes);
        await this.#send({ kind: 'chunk', id, bytes });
      }
      await this.#send({ kind: 'end', id });
    } catch (error) {
      if (this.#closed === undefined) {
        await this.#send({ kind: 'end', id, error: (error as Error).message }).catch(() => {});
        // it keeps what it has, and says that it failed
        await settled;
      }
      throw error;
    }
  }

  #abort(id: number, reason: unknown): void {
    void this.#send({ kind: 'abort', id, reason: thrown_text(reason) }).catch(() => {});
  }

  #send(message: ToFar): Promise<void> {
    return this.#closed === undefined ? this.slave.send_data(message) : Promise.reject(this.#closed);
  }

  async #listen(): Promise<void> {
    try {
      // also when it is closed, until the service has ended: what comes late must not be taken for another line's
      for (;;) this.#on_message(await this.slave.get_data<ToNear>());
    } catch (error) {
      this.#close(error as Error);
    }
  }

  #on_message(message: ToNear): void {
    const call = this.#calls.get(message.id);
    // it was aborted
    if (call === undefined) return;
    switch (message.kind) {
      case 'result':
        return call.result.resolve(message.value);
      case 'failed':
        return call.result.reject(new FarError(message.message, message.code));
      case 'note':
        // after the bytes that came before it
        call.taking = call.taking.then(() => call.options.on_note?.(message.value));
        return;
      case 'taken':
        call.untaken -= message.bytes;
        give_memory_back(call.sent.shift());
        call.room?.resolve();
        call.room = undefined;
        return;
      case 'chunk':
        call.taking = call.taking
          .then(() => call.options.on_bytes?.(message.bytes))
          .then(() => this.#send({ kind: 'taken', id: message.id, bytes: message.bytes.byteLength }))
          .catch((error) => {
            call.error ??= error as Error;
            this.#abort(message.id, error);
          });
        return;
      default:
        message satisfies never;
    }
  }

  #close(error: Error): void {
    if (this.#closed !== undefined) return;
    this.#closed = error;
    for (const call of this.#calls.values()) {
      call.result.reject(error);
      call.room?.resolve();
    }
    this.#ended.resolve(error);
  }
}
