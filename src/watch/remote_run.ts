/**
 * RemoteRun: a run that another process serves with its dashboard, as far as it tells by server-sent events.
 * Progress shows it as it shows a run of this process.
 */
import { type Clock, SYSTEM_CLOCK } from '../base/clock.js';
import { NetworkError } from '../errors.js';
import type { RunView } from './run_view.js';
import type { Snapshot } from './snapshot.js';

export class RemoteRun implements Pick<RunView, 'clock' | 'on_look' | 'snapshot'> {
  readonly clock: Clock = SYSTEM_CLOCK;
  readonly #looks = new Set<() => void>();
  readonly #body: ReadableStream<Uint8Array>;
  #snapshot: Snapshot | undefined;

  /**
   * Connects to a dashboard.
   * @param url its link, with the token in the fragment if it has one
   * @throws NetworkError (PARJOB_ERR_NETWORK) when nothing answers there, or something else does
   */
  static async connect(url: string, signal?: AbortSignal): Promise<RemoteRun> {
    const { origin, hash } = new URL(url);
    const token = /[#&]token=([\w-]+)/.exec(hash)?.[1];
    const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
    let response: Response;
    try {
      response = await fetch(`${origin}/events?only=state`, { headers, signal: signal ?? null });
    } catch (error) {
      signal?.throwIfAborted();
      const cause = (error as Error).cause ?? error;
      throw new NetworkError(
        `nothing answers at ${origin}: ${(cause as Error).message}. The job has ended, or runs on another machine`,
        { cause },
      );
    }
    const is_stream = response.headers.get('content-type')?.startsWith('text/event-stream') === true;
    if (!response.ok || !is_stream || response.body === null) {
      await response.body?.cancel();
      const why =
        response.status === 401
          ? 'it wants the token: give the whole link, with what stands behind #'
          : `it answers with status ${response.status}: is that the link of a dashboard?`;
      throw new NetworkError(`${origin} does not tell of a job: ${why}`);
    }
    return new RemoteRun(response.body);
  }

  private constructor(body: ReadableStream<Uint8Array>) {
    this.#body = body;
  }

  /** Calls `look` after each snapshot that has come, until the returned function is called. */
  on_look(look: () => void): () => void {
    this.#looks.add(look);
    return () => this.#looks.delete(look);
  }

  /** The last one that has come. */
  snapshot(): Snapshot {
    if (this.#snapshot === undefined) throw new Error('no snapshot has come yet');
    return this.#snapshot;
  }

  /** Takes in what comes. Resolves when the other side ends: true if the run has come to its end by then. */
  async follow(): Promise<boolean> {
    const decoder = new TextDecoder();
    let text = '';
    try {
      for await (const bytes of this.#body) {
        text += decoder.decode(bytes, { stream: true });
        for (let end = text.indexOf('\n\n'); end !== -1; end = text.indexOf('\n\n')) {
          this.#take(text.slice(0, end));
          text = text.slice(end + 2);
        }
      }
    } catch {
      // it broke: what it told last says how far the run was
    }
    return this.#snapshot?.overview.standing === 'finished';
  }

  #take(message: string): void {
    const [, name, data = ''] = /^event: (\w+)\ndata: (.*)$/.exec(message) ?? [];
    if (name !== 'state') return;
    this.#snapshot = JSON.parse(data) as Snapshot;
    for (const look of this.#looks) look();
  }
}
