/**
 * Dashboard: a page that shows a run while it goes on, served on loopback if not told otherwise.
 *
 *     GET  /                     the page and its files
 *     GET  /events               server-sent events: state, twice a second; tasks that ended; series; sections.
 *                                ?only=state for those alone
 *     GET  /api/tasks            ?offset limit sort descending outcome name slave index
 *     GET  /api/tasks/:index     a task's story          GET /api/slaves/:id/log   the end of its log
 *     GET  /api/sections/:id/log the end of the log of its last attempt
 *     GET  /api/explain          why nothing goes on     GET /metrics              as Metrics
 *     POST /api/cancel /api/drain /api/stop              need the token
 */
import type { ServerResponse } from 'node:http';
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { log_tail } from '../../launch/log_tail.js';
import type { SectionState } from '../../sections/section_state.js';
import type { RunHands, RunView } from '../run_view.js';
import { OUTCOMES } from '../task_feed.js';
import type { TaskRing } from '../task_ring.js';
import { Access, type Question } from './access.js';
import { new_tasks } from './new_tasks.js';
import { page_files } from './page_files.js';
import { numbers_with, query_tasks, ranks_of, SORT_KEYS, type SortKey } from './task_query.js';

export interface DashboardOptions {
  /** @default 0: the system chooses */
  port?: number | undefined;
  /** @default 127.0.0.1 */
  host?: string | undefined;
  /** @default made at random */
  token?: string | undefined;
}

const TELL_EVERY = 500;
const SERIES_EVERY = 2000;
/** Slaves and sections that are told one by one: those that can be looked at. */
const MOST_SLAVES = 2000;
const MOST_SECTIONS = 5000;
/** A reader that has not taken so much is told nothing more until it has. */
const MOST_UNREAD = 4 * 2 ** 20;
const MOST_READERS = 64;
const HEADERS = {
  'content-security-policy':
    "default-src 'self'; img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cache-control': 'no-store',
};

interface Reader {
  response: ServerResponse;
  /** Wants to hear of nothing but the state. */
  is_brief: boolean;
  ring: TaskRing;
  next_task: number;
  series_at: number;
  sections: string;
}

export class Dashboard {
  readonly #run: RunView;
  readonly #access: Access;
  readonly #host: string;
  readonly #server: FastifyInstance;
  readonly #readers = new Set<Reader>();
  readonly #stop_looking: () => void;
  #port = 0;
  #told_at = -Infinity;
  /** One query at a time: the next waits. */
  #query: Promise<unknown> = Promise.resolve();

  private constructor(run: RunView, options: DashboardOptions) {
    this.#run = run;
    this.#host = options.host ?? '127.0.0.1';
    this.#access = new Access(this.#host, options.token);
    this.#server = fastify({ logger: false, forceCloseConnections: true, bodyLimit: 16 * 1024 });
    this.#guard();
    this.#serve_page();
    this.#serve_data();
    this.#serve_actions();
    this.#stop_looking = run.on_look(() => this.#tell());
  }

  /** @throws Error when it cannot listen there */
  static async serve(run: RunView, options: DashboardOptions = {}): Promise<Dashboard> {
    const dashboard = new Dashboard(run, options);
    await dashboard.#server.listen({ host: dashboard.#host, port: options.port ?? 0 });
    // it keeps no process alive
    dashboard.#server.server.unref();
    dashboard.#port = (dashboard.#server.server.address() as { port: number }).port;
    return dashboard;
  }

  /** With the token: who has the link may act. */
  get url(): string {
    const host = this.#host.includes(':') ? `[${this.#host}]` : this.#host;
    return `http://${host}:${this.#port}/#token=${this.#access.token}`;
  }

  async close(): Promise<void> {
    this.#stop_looking();
    this.#tell(true);
    for (const { response } of this.#readers) response.end();
    this.#readers.clear();
    await this.#server.close();
  }

  #guard(): void {
    this.#server.addHook('onRequest', async (request, reply) => {
      reply.headers(HEADERS);
      const question = question_of(request);
      const path = request.url.split('?')[0] as string;
      if (!this.#access.is_addressed(question))
        return reply.code(403).send({ error: 'the Host of the request is not this machine' });
      const is_data = path.startsWith('/api/') || path === '/events' || path === '/metrics';
      if (
        request.method !== 'GET'
          ? !this.#access.may_act(question)
          : is_data && !this.#access.may_see(question)
      )
        return reply.code(401).send({ error: 'this needs the token that is in the link of the dashboard' });
      return undefined;
    });
  }

  #serve_page(): void {
    for (const [path, { content_type, content }] of page_files())
      this.#server.get(path, (_, reply) => reply.type(content_type).send(content));
  }

  #serve_data(): void {
    const run = this.#run;
    this.#server.get('/events', (request, reply) => {
      if (this.#readers.size >= MOST_READERS)
        return reply.code(503).send({ error: `${MOST_READERS} pages are open already` });
      reply.hijack();
      this.#add_reader(reply.raw, request);
      return undefined;
    });
    this.#server.get('/api/tasks', (request) => this.#tasks(request.query as Record<string, string>));
    this.#server.get('/api/tasks/:index', (request) =>
      this.#story(Number((request.params as { index: string }).index)),
    );
    this.#server.get('/api/slaves/:id/log', (request, reply) => {
      const file = run.log_file(Number((request.params as { id: string }).id));
      if (file === undefined) return refuse(reply, 404, 'no such slave, or it has no log');
      return { file, tail: log_tail(file, 0) };
    });
    this.#server.get('/api/sections/:id/log', (request, reply) => {
      const file = run.section_log((request.params as { id: string }).id);
      if (file === undefined) return refuse(reply, 404, 'no such section, or its last attempt has no log');
      return { file, tail: log_tail(file, 0) };
    });
    this.#server.get('/api/explain', () => ({ text: run.explain() }));
    this.#server.get('/metrics', async (_, reply) => {
      const metrics = await run.metrics();
      if (metrics === undefined) return refuse(reply, 404, 'only a job that runs has metrics');
      return reply.type(metrics.content_type).send(await metrics.text());
    });
  }

  #serve_actions(): void {
    const act = (path: string, action: (hands: RunHands, body: Order) => [boolean | undefined, string]) =>
      this.#server.post(path, (request, reply) => {
        const { hands } = this.#run;
        if (hands === undefined)
          return refuse(reply, 409, 'this is a file: nothing can be done to its run here');
        const [is_done, why_not] = action(hands, (request.body ?? {}) as Order);
        return is_done === undefined ? refuse(reply, 404, why_not) : { is_done };
      });
    act('/api/cancel', (hands, { index }) => [
      typeof index === 'number' ? hands.cancel(index) : undefined,
      `task ${index} does not run, nor wait`,
    ]);
    act('/api/drain', (hands, { slave_id }) => [
      (typeof slave_id === 'number' && hands.drain(slave_id)) || undefined,
      'this slave is not in the job any more',
    ]);
    act('/api/stop', (hands) => {
      hands.stop();
      return [true, ''];
    });
  }

  // ---- tasks

  #tasks(asked: Record<string, string>): Promise<unknown> {
    const answer = this.#query.then(() => this.#find_tasks(asked));
    this.#query = answer.catch(() => {});
    return answer;
  }

  async #find_tasks(asked: Record<string, string>): Promise<unknown> {
    const run = this.#run;
    run.refresh();
    const { names, slave_names, ring } = run;
    const sort = SORT_KEYS.includes(asked['sort'] as SortKey) ? (asked['sort'] as SortKey) : 'serial';
    const outcome = OUTCOMES.indexOf(asked['outcome'] as (typeof OUTCOMES)[number]);
    const { matched, rows } = await query_tasks(
      ring,
      {
        offset: whole(asked['offset'], 0),
        limit: whole(asked['limit'], 50),
        sort,
        descending: asked['descending'] === 'true',
        outcome: outcome === -1 ? undefined : outcome,
        names: asked['name'] ? numbers_with(names, asked['name']) : undefined,
        slaves: asked['slave'] ? numbers_with(slave_names, asked['slave']) : undefined,
        index: asked['index'] ? whole(asked['index'], -2) : undefined,
      },
      { names: ranks_of(names), slaves: ranks_of(slave_names) },
    );
    return {
      matched,
      kept: ring.size,
      ended: ring.added,
      rows: rows.map((row) => ({
        ...row,
        name: names[row.name],
        slave: slave_names[row.slave] ?? '',
        outcome: OUTCOMES[row.outcome],
      })),
    };
  }

  async #story(index: number): Promise<unknown> {
    const { rows } = (await this.#tasks({
      index: String(index),
      sort: 'serial',
      descending: 'true',
      limit: '1',
    })) as {
      rows: unknown[];
    };
    const running = this.#run.snapshot().slaves.rows.find((row) => row.running?.index === index);
    return {
      index,
      end: rows[0],
      running_on: running?.name,
      entries: this.#run.story(index),
      epoch: this.#run.epoch,
    };
  }

  // ---- server-sent events

  #add_reader(response: ServerResponse, request: FastifyRequest): void {
    const { ring, jobname } = this.#run;
    const is_brief = (request.query as { only?: unknown }).only === 'state';
    const reader: Reader = { response, is_brief, ring, next_task: 0, series_at: -Infinity, sections: '' };
    response.writeHead(200, { ...HEADERS, 'content-type': 'text/event-stream' });
    response.on('error', () => {});
    request.raw.on('close', () => this.#readers.delete(reader));
    this.#readers.add(reader);
    this.#run.refresh();
    send(reader, 'job', { jobname, can_act: this.#run.hands !== undefined });
    this.#tell_one(reader, this.#state());
  }

  #state(): string {
    return JSON.stringify(this.#run.snapshot(MOST_SLAVES));
  }

  #tell(is_last = false): void {
    const now = performance.now();
    if (this.#readers.size === 0 || (!is_last && now - this.#told_at < TELL_EVERY - 50)) return;
    this.#told_at = now;
    const state = this.#state();
    for (const reader of this.#readers) this.#tell_one(reader, state, is_last);
  }

  #tell_one(reader: Reader, state: string, is_last = false): void {
    if (reader.response.writableLength > MOST_UNREAD) return;
    reader.response.write(`event: state\ndata: ${state}\n\n`);
    if (reader.is_brief) return;
    const { ring, names } = this.#run;
    if (reader.ring !== ring) {
      // the run was read anew
      Object.assign(reader, { ring, next_task: 0, series_at: -Infinity });
      send(reader, 'anew', {});
    }
    if (reader.next_task < ring.added) {
      const tasks = new_tasks(ring, names, reader.next_task);
      reader.next_task = tasks.next;
      send(reader, 'tasks', tasks);
    }
    const now = performance.now();
    if (!is_last && now - reader.series_at < SERIES_EVERY - 50) return;
    reader.series_at = now;
    send(reader, 'series', this.#run.series());
    this.#tell_sections(reader);
  }

  #tell_sections(reader: Reader): void {
    const sections = this.#run.sections();
    if (sections === undefined) return;
    const counts: Partial<Record<SectionState, number>> = {};
    for (const { state } of sections) counts[state] = (counts[state] ?? 0) + 1;
    const files = this.#run.files() ?? [];
    const text = JSON.stringify({
      total: sections.length,
      counts,
      files,
      rows: sections.slice(0, MOST_SECTIONS),
    });
    if (text === reader.sections) return;
    reader.sections = text;
    reader.response.write(`event: sections\ndata: ${text}\n\n`);
  }
}

/** The body of a request to act. */
interface Order {
  index?: unknown;
  slave_id?: unknown;
}

function refuse(reply: FastifyReply, code: number, error: string): FastifyReply {
  return reply.code(code).send({ error });
}

function send(reader: Reader, event: string, data: unknown): void {
  reader.response.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
}

function question_of(request: FastifyRequest): Question {
  const { token } = request.query as { token?: unknown };
  return {
    host: request.headers.host,
    authorization: request.headers.authorization,
    token: typeof token === 'string' ? token : undefined,
  };
}

function whole(text: string | undefined, otherwise: number): number {
  const number = Number(text);
  return text !== undefined && Number.isSafeInteger(number) && number >= 0 ? number : otherwise;
}
