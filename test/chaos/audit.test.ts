/** The audit notices each promise that is broken: evidence of a good run, doctored in one place. */
import { describe, expect, it } from 'vitest';
import { audit, type Breach, type Evidence, type Loss } from './audit.js';
import type { Run } from './ledger.js';
import type { MemorySample } from './master_words.js';
import type { OutcomeRecord } from './outcome.js';
import { FIRST_URGENT, type KindName, type TaskSpec } from './workload.js';

function spec(i: number, kind: KindName): TaskSpec {
  return { i, kind, ms: 0, bytes: 0 };
}

function run(task: number, pid: number, began_at: number, facts: Partial<Run> = {}): Run {
  const name = `${pid}-x-${began_at}`;
  return { task, attempt: 1, run: name, pid, began_at, ended_at: began_at + 1, end: 'done', ...facts };
}

function fulfilled(of: Run, at = 1000): OutcomeRecord {
  return { i: of.task, status: 'fulfilled', run: of.run, attempts: of.attempt, at };
}

function rejected(i: number, code: string, facts: Partial<OutcomeRecord> = {}): OutcomeRecord {
  return { i, status: 'rejected', code, message: 'it failed', attempts: 1, at: 1000, ...facts };
}

const SAMPLE: MemorySample = {
  rss: 80e6,
  heap: 10e6,
  external: 2e6,
  sockets: 3,
  descriptors: 20,
  open: [],
  resources: ['PipeWrap'],
};

/**
 * Two tasks that return, one of them after its first slave (12) was killed; one that throws; one whose slaves (13, 14)
 * die of it; an urgent one that was cancelled.
 */
function good(): Evidence & { runs: Run[]; lives: OutcomeRecord[][]; losses: Loss[]; tasks: TaskSpec[] } {
  const runs = [
    run(0, 11, 10),
    run(1, 12, 20, { end: undefined, ended_at: undefined }),
    run(1, 11, 30, { attempt: 2 }),
    run(2, 11, 40, { end: 'threw' }),
    run(3, 13, 50, { end: 'dies' }),
    run(3, 14, 60, { end: 'dies', attempt: 2 }),
    run(FIRST_URGENT, 11, 70),
  ];
  return {
    tasks: [
      spec(0, 'quick'),
      spec(1, 'spin'),
      spec(2, 'throw_error'),
      spec(3, 'kill_self'),
      spec(FIRST_URGENT, 'sleep'),
    ],
    lives: [
      [
        fulfilled(runs[0] as Run),
        fulfilled(runs[2] as Run),
        rejected(2, 'PARJOB_ERR_REMOTE'),
        rejected(3, 'PARJOB_ERR_SLAVE_DIED', { attempts: 2, deaths: 2 }),
        { i: FIRST_URGENT, status: 'cancelled', at: 60 },
      ],
    ],
    runs,
    losses: [
      { slave: 's', pid: 12, why: 'died', reason: 'killed' },
      { slave: 's', pid: 13, why: 'died', reason: 'killed' },
      { slave: 's', pid: 14, why: 'died', reason: 'killed' },
    ],
    wronged: new Map([[12, new Set(['killed'])]]),
    attempts: 2,
    retries: 0,
    leftovers: [],
    memory: { begin: SAMPLE, warm: SAMPLE, end: SAMPLE },
  };
}

type Doctor = (evidence: ReturnType<typeof good>) => void;

function outcome_of(evidence: ReturnType<typeof good>, i: number): OutcomeRecord {
  return evidence.lives.at(-1)?.find((outcome) => outcome.i === i) as OutcomeRecord;
}

const DOCTORED: readonly [what: string, breach: Breach, doctor: Doctor][] = [
  ['a task without an outcome', 'lost', ({ lives }) => lives[0]?.pop()],
  ['an outcome twice', 'doubled', (e) => e.lives[0]?.push(outcome_of(e, 0))],
  ['an outcome of a task of nobody', 'doubled', ({ lives }) => lives[0]?.push(rejected(77, 'X'))],
  ['a run of a task of nobody', 'doubled', ({ runs }) => runs.push(run(77, 11, 5))],
  ['changed data', 'wrong', (e) => Object.assign(outcome_of(e, 0), { fault: 'the data came back changed' })],
  [
    'a value of a task that throws',
    'wrong',
    (e) => Object.assign(outcome_of(e, 2), { status: 'fulfilled', run: '11-x-40' }),
  ],
  [
    'an error of a task that returns',
    'wrong',
    (e) => e.lives[0]?.splice(0, 1, rejected(0, 'PARJOB_ERR_REMOTE')),
  ],
  [
    'an error of another kind',
    'wrong',
    (e) => Object.assign(outcome_of(e, 2), { code: 'PARJOB_ERR_NO_SLAVES' }),
  ],
  [
    'a cancelled task that nobody cancelled',
    'wrong',
    (e) => e.lives[0]?.splice(0, 1, rejected(0, 'PARJOB_ERR_CANCELLED')),
  ],
  ['a value of no run', 'invented', (e) => Object.assign(outcome_of(e, 0), { run: '11-x-99' })],
  ["a value of another task's run", 'invented', (e) => Object.assign(outcome_of(e, 0), { run: '11-x-30' })],
  [
    'a value of a run that did not end',
    'invented',
    ({ runs }) => Object.assign(runs[0] as Run, { end: undefined }),
  ],
  [
    'a task that ran again for no reason',
    'rerun',
    (e) => {
      e.runs.push(run(0, 15, 5, { attempt: 2 }));
      Object.assign(outcome_of(e, 0), { attempts: 2 });
    },
  ],
  ['a run whose slave nobody had killed', 'rerun', (e) => Object.assign(e, { wronged: new Map() })],
  ['a task that runs after its outcome', 'late_run', (e) => Object.assign(outcome_of(e, 1), { at: 25 })],
  ['two runs of one attempt', 'miscounted', ({ runs }) => Object.assign(runs[2] as Run, { attempt: 1 })],
  ['more runs than attempts', 'miscounted', (e) => Object.assign(outcome_of(e, 1), { attempts: 1 })],
  ['a task that is given up too early', 'unfair', (e) => Object.assign(outcome_of(e, 3), { deaths: 1 })],
  [
    'a task that is given up since its slave was cut off',
    'unfair',
    (e) => {
      e.lives[0]?.splice(1, 1, rejected(1, 'PARJOB_ERR_SLAVE_DIED', { attempts: 2, deaths: 2 }));
      Object.assign(e, {
        wronged: new Map([
          [12, new Set(['killed'])],
          [11, new Set(['cut'])],
        ]),
      });
    },
  ],
  [
    'a slave that was lost for no reason',
    'false_death',
    ({ losses }) => losses.push({ slave: 's', pid: 11, why: 'lost', reason: '' }),
  ],
  ['a process that is left', 'leftover', (e) => Object.assign(e, { leftovers: ['process 5: sleep 600'] })],
  [
    'a socket that is left',
    'descriptor',
    (e) => Object.assign(e, { memory: { begin: SAMPLE, warm: SAMPLE, end: { ...SAMPLE, sockets: 4 } } }),
  ],
  [
    'a file that is left open',
    'descriptor',
    (e) => Object.assign(e, { memory: { begin: SAMPLE, warm: SAMPLE, end: { ...SAMPLE, descriptors: 21 } } }),
  ],
  [
    'a server that keeps the process alive',
    'descriptor',
    (e) =>
      Object.assign(e, {
        memory: { begin: SAMPLE, warm: SAMPLE, end: { ...SAMPLE, resources: ['PipeWrap', 'TCPServerWrap'] } },
      }),
  ],
  [
    'a heap that has grown',
    'leak',
    (e) => Object.assign(e, { memory: { begin: SAMPLE, warm: SAMPLE, end: { ...SAMPLE, heap: 30e6 } } }),
  ],
  [
    'buffers that were kept',
    'leak',
    (e) => Object.assign(e, { memory: { begin: SAMPLE, warm: SAMPLE, end: { ...SAMPLE, external: 30e6 } } }),
  ],
];

describe('the audit', () => {
  it('finds nothing in a good run, though a slave was killed and tasks failed', () => {
    expect(audit(good())).toEqual([]);
  });

  it.each(DOCTORED)('finds %s: %s', (_what, breach, doctor) => {
    const evidence = good();
    doctor(evidence);
    expect(audit(evidence).map((finding) => finding.breach)).toContain(breach);
  });

  it('finds a value that a later master has changed', () => {
    const evidence = good();
    const other = run(0, 12, 5);
    evidence.runs.push(other);
    evidence.lives.unshift([fulfilled(other)]);
    expect(audit(evidence).map(({ breach }) => breach)).toContain('wrong');
  });

  it('lets a later master run again what has failed, but not what has returned', () => {
    const evidence = good();
    evidence.lives.unshift([rejected(2, 'PARJOB_ERR_REMOTE', { at: 5 })]);
    expect(audit(evidence)).toEqual([]);
    evidence.lives[0]?.push(fulfilled(evidence.runs[2] as Run, 25));
    expect(audit(evidence)).toMatchObject([{ breach: 'late_run' }]);
  });

  it('lets a later master repeat what an earlier one has handed over, but not lose it', () => {
    const evidence = good();
    evidence.lives.unshift(evidence.lives[0]?.slice(0, 2) ?? []);
    expect(audit(evidence)).toEqual([]);
    evidence.lives[1]?.shift();
    expect(audit(evidence)).toMatchObject([{ breach: 'lost' }]);
  });
});
