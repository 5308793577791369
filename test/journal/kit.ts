/** For the tests of the journal: folders, records as arbitraries, a model of a status file, journals to read. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll } from 'vitest';
import { Journal } from '../../src/journal/journal.js';
import type { JournalOptions } from '../../src/journal/journal_options.js';
import { LineText } from '../../src/journal/line_text.js';
import type { JournalRecord, StoredValue, TaskIdentity } from '../../src/journal/record.js';
import { Replay } from '../../src/journal/replay.js';
import { options_of, SMALL_LIMIT, task_of } from './options.js';

/** Makes folders that are removed after the tests of the file. */
export function temporary_folders(): () => string {
  const made: string[] = [];
  afterAll(() => {
    for (const folder of made) rmSync(folder, { recursive: true, force: true });
  });
  return () => {
    const folder = mkdtempSync(join(tmpdir(), 'parjob-journal-'));
    made.push(folder);
    return folder;
  };
}

const any_text = fc.oneof(
  fc.string(),
  fc.string({ unit: 'binary' }),
  fc.constantFrom('', '__proto__', 'é\n"\u2028'),
);

const any_value: fc.Arbitrary<StoredValue> = fc.oneof(
  fc.constant({ json: undefined }),
  fc.jsonValue({ noUnicodeString: false }).map((json) => ({
    json: JSON.parse(JSON.stringify(json).replaceAll('__proto__', 'proto').replaceAll('-0', '0')),
  })),
  fc.constant({ json: 'long '.repeat(50) }),
  fc
    .tuple(fc.constantFrom('msgpack', 'graph'), fc.array(fc.uint8Array({ maxLength: 150 }), { maxLength: 3 }))
    .map(([encoding, bytes]) => ({ encoding, bytes })),
);

const any_attempt = fc.integer({ min: 1, max: 3 });
const any_slave = fc.integer({ min: 0, max: 2 }).map((n) => `align.slave${n}`);
const any_ms = fc.integer({ min: 0, max: 10 ** 9 }).map((n) => n / 1000);

/** Without its task. */
type News = JournalRecord extends infer R
  ? R extends { task: TaskIdentity }
    ? Omit<R, 'task'>
    : never
  : never;

const any_news: fc.Arbitrary<News> = fc.oneof(
  fc.record({ kind: fc.constant('queued' as const) }),
  fc.record({ kind: fc.constant('assigned' as const), attempt: any_attempt, slave: any_slave }),
  fc.record(
    { kind: fc.constant('progress' as const), done: fc.integer(), total: fc.nat(), note: any_text },
    { requiredKeys: ['kind', 'done'] },
  ),
  fc.record({ kind: fc.constant('checkpoint' as const), value: any_value }),
  fc.record(
    {
      kind: fc.constant('died' as const),
      attempt: any_attempt,
      slave: any_slave,
      reason: any_text,
      charged: fc.boolean(),
      exit_code: fc.integer({ min: 0, max: 255 }),
      signal: fc.constantFrom('SIGKILL', 'SIGSEGV'),
      log_file: any_text,
    },
    { requiredKeys: ['kind', 'attempt', 'slave', 'reason'] },
  ),
  fc.record({
    kind: fc.constant('done' as const),
    attempt: any_attempt,
    slave: any_slave,
    run_ms: any_ms,
    value: any_value,
  }),
  fc.record(
    {
      kind: fc.constant('failed' as const),
      attempt: any_attempt,
      slave: any_slave,
      run_ms: any_ms,
      error: fc.record(
        { name: any_text, message: any_text, stack: any_text },
        { requiredKeys: ['name', 'message'] },
      ),
      value: any_value,
    },
    { requiredKeys: ['kind', 'attempt', 'error'] },
  ),
  fc.record({ kind: fc.constant('cancelled' as const), reason: any_text }, { requiredKeys: ['kind'] }),
);

/** A thing that happens to a journal. */
export type Step =
  | { kind: 'record'; record: JournalRecord }
  | { kind: 'commit' }
  | { kind: 'restart'; shift: number };

/** What happens to a few tasks. After a restart their indices are others. */
export const any_steps: fc.Arbitrary<Step[]> = fc
  .array(
    fc.oneof(
      { weight: 20, arbitrary: fc.tuple(fc.nat(6), any_news) },
      { weight: 3, arbitrary: fc.constant('commit' as const) },
      { weight: 1, arbitrary: fc.constant('finished' as const) },
      {
        weight: 1,
        arbitrary: fc.record({ port: fc.nat(65535), hosts: fc.array(fc.domain(), { maxLength: 2 }) }),
      },
      { weight: 1, arbitrary: fc.integer({ min: 1, max: 6 }) },
    ),
    { minLength: 1, maxLength: 40 },
  )
  .map((plans) => {
    let shift = 0;
    return plans.map((plan): Step => {
      if (plan === 'commit') return { kind: 'commit' };
      if (plan === 'finished') return { kind: 'record', record: { kind: 'finished' } };
      if (typeof plan === 'number') {
        shift = plan;
        return { kind: 'restart', shift };
      }
      if (!Array.isArray(plan)) return { kind: 'record', record: { kind: 'facts', facts: { ...plan } } };
      const [number, news] = plan;
      return {
        kind: 'record',
        record: { ...news, task: task_of(number, (number + shift) % 7) } as JournalRecord,
      };
    });
  });

/** What is known of a task, of a model or of a file: times left out. */
export interface TaskPicture {
  key: string;
  name: string;
  state: string;
  dead_runs: unknown[];
  assigned: unknown;
  progress: unknown;
  checkpoint: unknown;
  outcome: unknown;
}

export interface Picture {
  tasks: TaskPicture[];
  facts: Record<string, unknown>;
  is_finished: boolean;
}

/** What a status file should say, told the same. Its rules are those of FORMAT.md. */
export class Model {
  readonly #tasks = new Map<string, TaskPicture>();
  #facts: Record<string, unknown> = {};
  #is_finished = false;

  take(record: JournalRecord): void {
    this.#is_finished = record.kind === 'finished';
    if (record.kind === 'finished') return;
    if (record.kind === 'facts') {
      this.#facts = { ...this.#facts, ...record.facts };
      return;
    }
    const task = this.#task(record.task);
    const is_over = ['done', 'failed', 'cancelled'].includes(task.state);
    switch (record.kind) {
      case 'queued':
        Object.assign(task, { state: 'queued', assigned: undefined, outcome: undefined });
        return;
      case 'assigned':
        if (is_over) return;
        task.state = 'assigned';
        task.assigned = plain({ attempt: record.attempt, slave: record.slave });
        return;
      case 'progress':
        if (!is_over) task.progress = plain({ done: record.done, total: record.total, note: record.note });
        return;
      case 'checkpoint':
        if (!is_over) task.checkpoint = value_picture(record.value);
        return;
      case 'died': {
        const { attempt, slave, reason, charged = true, exit_code, signal, log_file } = record;
        task.dead_runs.push(plain({ attempt, slave, reason, charged, exit_code, signal, log_file }));
        if (!is_over) Object.assign(task, { state: 'queued', assigned: undefined });
        return;
      }
      default:
        Object.assign(task, {
          state: record.kind,
          assigned: undefined,
          progress: undefined,
          checkpoint: undefined,
        });
        task.outcome = outcome_picture(record);
    }
  }

  opened(): void {
    this.#is_finished = false;
  }

  /** It does not change when the model does. */
  picture(): Picture {
    const tasks = [...this.#tasks.values()].map((task) => ({ ...task, dead_runs: [...task.dead_runs] }));
    return { tasks, facts: this.#facts, is_finished: this.#is_finished };
  }

  #task({ key, name }: TaskIdentity): TaskPicture {
    let task = this.#tasks.get(key);
    if (task === undefined) {
      const nothing = { assigned: undefined, progress: undefined, checkpoint: undefined, outcome: undefined };
      task = { key, name, state: 'queued', dead_runs: [], ...nothing };
      this.#tasks.set(key, task);
    }
    return task;
  }
}

function outcome_picture(record: JournalRecord & { kind: 'done' | 'failed' | 'cancelled' }): unknown {
  if (record.kind === 'cancelled') return plain({ state: 'cancelled', reason: record.reason });
  if (record.kind === 'done') {
    const { kind, attempt, slave, run_ms, value } = record;
    return plain({ state: kind, attempt, slave, run_ms, value: value_picture(value) });
  }
  const { kind, attempt, slave, run_ms, error, value } = record;
  const is_empty = value !== undefined && 'json' in value && value.json === undefined;
  return plain({
    state: kind,
    attempt,
    slave,
    run_ms,
    error: plain({ ...error, name: error.name.slice(0, 256) }),
    value: is_empty ? undefined : value_picture(value),
  });
}

function value_picture(value: StoredValue | undefined): unknown {
  if (value === undefined) return undefined;
  if ('json' in value) return { json: value.json };
  return { encoding: value.encoding, bytes: value.bytes.map((piece) => Buffer.from(piece).toString('hex')) };
}

/** Without fields that are undefined, and without times. */
function plain(value: object): object {
  return Object.fromEntries(
    Object.entries(value).filter(([name, field]) => field !== undefined && name !== 'at'),
  );
}

/** All that a replay says. */
export function picture_of(replay: Replay): Picture {
  const tasks = [...replay.tasks()].map((task): TaskPicture => {
    const outcome = task.outcome();
    const failed = outcome?.state === 'failed' ? { error: plain(outcome.error) } : {};
    const value = outcome !== undefined && 'value' in outcome ? { value: value_picture(outcome.value) } : {};
    const assigned = task.assigned();
    const progress = task.progress();
    return {
      key: task.key,
      name: task.name,
      state: task.state,
      dead_runs: task.dead_runs().map(plain),
      assigned: assigned && plain(assigned),
      progress: progress && plain(progress),
      checkpoint: value_picture(task.checkpoint()),
      outcome: outcome && plain({ ...outcome, ...failed, ...value }),
    };
  });
  return { tasks, facts: Object.fromEntries(replay.facts), is_finished: replay.is_finished };
}

/** All that a file says; undefined when it was cut off within its header. @throws as Replay.read, and for any notice */
export function read_picture(file: string): Picture | undefined {
  const replay = Replay.read(file, (text) => {
    throw new Error(`unexpected: ${text}`);
  });
  if (replay === undefined) return undefined;
  try {
    return picture_of(replay);
  } finally {
    replay.close();
  }
}

/** Lets `steps` happen to a new status file and to a model. */
export function play(file: string, steps: readonly Step[], more: Partial<JournalOptions> = {}): Model {
  const options = options_of(file, { inline_limit: SMALL_LIMIT, ...more });
  const model = new Model();
  let journal = Journal.create(options);
  try {
    for (const step of steps) {
      if (step.kind === 'record') {
        journal.append(step.record);
        model.take(step.record);
      } else if (step.kind === 'commit') {
        journal.commit();
      } else {
        journal.close();
        journal = Journal.open(options);
        model.opened();
      }
    }
  } finally {
    journal.close();
  }
  return model;
}

/** The lines that a writer makes of tasks that have returned. */
export function done_lines(
  records: readonly {
    index: number;
    key: string;
    attempt: number;
    slave: string;
    run_ms: number;
    value: unknown;
  }[],
): string[] {
  const text = new LineText({
    created: Date.now() - 1000,
    functions: [],
    garbage_bytes: 0,
    inline_limit: 2 ** 16,
    recall: () => undefined,
    write_file: () => {},
    doom_file: () => {},
  });
  return records
    .map(({ index, key, value, ...rest }) =>
      text.of({ kind: 'done', task: { index, key, name: 'a.js#f' }, value: { json: value }, ...rest }),
    )
    .join('')
    .split('\n')
    .filter((line) => line.startsWith('{"kind":"done"'));
}
