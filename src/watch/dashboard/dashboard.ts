/**
 * Dashboard: a page that shows a run while it goes on, served on loopback if not told otherwise.
 *
 *     GET  /                     the page and its files
 *     GET  /events               server-sent events: state, twice a second; tasks that ended; series
 *     GET  /api/tasks            ?offset limit sort descending outcome name slave index
 *     GET  /api/tasks/:index     a task's story          GET /api/slaves/:id/log   the end of its log
 *     GET  /api/explain          why nothing goes on     GET /metrics              as Metrics
 *     POST /api/cancel /api/drain /api/stop              need the token
 */
import type { ServerResponse } from 'node:http';
import fastify, { type FastifyInstance, type FastifyRequest } from 'fastify';
import { log_tail } from '../../launch/log_tail.js';
import type { Metrics } from '../metrics.js';
import type { RunModel } from '../run_model.js';
import { OUTCOMES } from '../task_feed.js';
import { Access, type Question } from './access.js';
import { page_files } from './page_files.js';
import { new_tasks, overview, series, slaves } from './snapshot.js';
import { numbers_with, query_tasks, ranks_of, SORT_KEYS, type SortKey } from './task_query.js';

export interface DashboardOptions {
  jobname: string;
  /** @default 0: the system chooses */
  port?: number | undefined;
  /** @default 127.0.0.1 */
  host?: string | undefined;
  /** @default made at random */
  token?: string | undefined;
}

const TELL_EVERY = 500;
const SERIES_EVERY = 2000;
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
  next_task: number;
  series_at: number;
}

export class Dashboard {
  readonly #model: RunModel;
  readonly #jobname: string;
  readonly #access: Access;
  readonly #host: string;
  readonly #server: FastifyInstance;
  readonly #readers = new Set<Reader>();
  #port = 0;
  #told_at = -Infinity;
  #metrics: Promise<Metrics> | undefined;
  /** One query at a time: the next waits. */
  #query: Promise<unknown> = Promise.resolve();

  private constructor(model: RunModel, options: DashboardOptions) {
    this.#model = model;
    this.#jobname = options.jobname;
    this.#host = options.host ?? '127.0.0.1';
    this.#access = new Access(this.#host, options.token);
    this.#server = fastify({ logger: false, forceCloseConnections: true, bodyLimit: 16 * 1024 });
    this.#guard();
    this.#serve_page();
    this.#serve_data();
    this.#serve_actions();
    model.on_look(() => this.#tell());
  }

  /** @throws Error when it cannot listen there */
  static async serve(model: RunModel, options: DashboardOptions): Promise<Dashboard> {
    const dashboard = new Dashboard(model, options);
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
    const model = this.#model;
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
      const slave = model.slave(Number((request.params as { id: string }).id))?.slave;
      if (slave?.log_file === undefined)
        return reply.code(404).send({ error: 'no such slave, or it has no log' });
      return { file: slave.log_file, tail: log_tail(slave.log_file, 0) };
    });
    this.#server.get('/api/explain', async () => {
      const said = await model.job.explain?.();
      return {
        text:
          said === undefined ? undefined : typeof said === 'string' ? said : JSON.stringify(said, null, 2),
      };
    });
    this.#server.get('/metrics', async (_, reply) => {
      const metrics = await (this.#metrics ??= this.#make_metrics());
      return reply.type(metrics.content_type).send(await metrics.text());
    });
  }

  #serve_actions(): void {
    const { job } = this.#model;
    this.#server.post('/api/cancel', (request, reply) => {
      const { index } = request.body as { index?: number };
      const running = this.#model.slaves.find((line) => line.running?.task.index === index)?.running?.task;
      const task = running ?? (index === undefined ? undefined : job.find_task?.(index));
      if (task === undefined) return reply.code(404).send({ error: `task ${index} does not run, nor wait` });
      return { is_done: task.cancel(new Error('cancelled in the dashboard')) };
    });
    this.#server.post('/api/drain', (request, reply) => {
      const { slave_id = -1 } = request.body as { slave_id?: number };
      const slave = this.#model.slave(slave_id)?.slave;
      const at = slave === undefined ? -1 : job.indexOf(slave);
      if (at === -1) return reply.code(404).send({ error: 'this slave is not in the job any more' });
      job.splice(at, 1);
      return { is_done: true };
    });
    this.#server.post('/api/stop', () => {
      // the answer is sent before all slaves are gone
      job.stop().catch(() => {});
      return { is_done: true };
    });
  }

  async #make_metrics(): Promise<Metrics> {
    const { Metrics } = await import('../metrics.js');
    return new Metrics(this.#model, this.#jobname);
  }

  // ---- tasks

  #tasks(asked: Record<string, string>): Promise<unknown> {
    const answer = this.#query.then(() => this.#find_tasks(asked));
    this.#query = answer.catch(() => {});
    return answer;
  }

  async #find_tasks(asked: Record<string, string>): Promise<unknown> {
    const model = this.#model;
    model.feed.flush();
    const names = model.feed.names.names;
    const slave_names = model.slaves.map(({ name }) => name);
    const sort = SORT_KEYS.includes(asked['sort'] as SortKey) ? (asked['sort'] as SortKey) : 'serial';
    const outcome = OUTCOMES.indexOf(asked['outcome'] as (typeof OUTCOMES)[number]);
    const { matched, rows } = await query_tasks(
      model.ring,
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
      kept: model.ring.size,
      ended: model.ring.added,
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
    const running = this.#model.slaves.find((line) => line.running?.task.index === index);
    return {
      index,
      end: rows[0],
      running_on: running?.name,
      entries: this.#model.stories.get(index),
      epoch: this.#model.epoch,
    };
  }

  // ---- server-sent events

  #add_reader(response: ServerResponse, request: FastifyRequest): void {
    const reader: Reader = { response, next_task: 0, series_at: -Infinity };
    response.writeHead(200, { ...HEADERS, 'content-type': 'text/event-stream' });
    response.on('error', () => {});
    request.raw.on('close', () => this.#readers.delete(reader));
    this.#readers.add(reader);
    this.#model.feed.flush();
    send(reader, 'job', { jobname: this.#jobname });
    this.#tell_one(reader, state_of(this.#model));
  }

  #tell(is_last = false): void {
    const now = this.#model.clock.now();
    if (this.#readers.size === 0 || (!is_last && now - this.#told_at < TELL_EVERY - 50)) return;
    this.#told_at = now;
    const state = state_of(this.#model);
    for (const reader of this.#readers) this.#tell_one(reader, state);
  }

  #tell_one(reader: Reader, state: string): void {
    if (reader.response.writableLength > MOST_UNREAD) return;
    reader.response.write(`event: state\ndata: ${state}\n\n`);
    if (reader.next_task < this.#model.ring.added) {
      const tasks = new_tasks(this.#model, reader.next_task);
      reader.next_task = tasks.next;
      send(reader, 'tasks', tasks);
    }
    const now = this.#model.clock.now();
    if (now - reader.series_at < SERIES_EVERY - 50 && !this.#model.has_finished) return;
    reader.series_at = now;
    send(reader, 'series', series(this.#model));
  }
}

function state_of(model: RunModel): string {
  return JSON.stringify({ overview: overview(model), slaves: slaves(model) });
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
