/**
 * Audit: compares what the master handed over with what the tasks themselves have written, and with what was done to
 * their slaves. It starts nothing and strikes nothing; each broken promise becomes a Finding.
 *
 *     tasks ─┐
 *     outcomes of each master's life ─┤
 *     runs in the ledger ─┼─▶ audit ─▶ findings
 *     losses, and who was wronged ─┤
 *     processes, memory, descriptors ─┘
 */
import type { Run } from './ledger.js';
import type { MemorySample } from './master_words.js';
import type { OutcomeRecord } from './outcome.js';
import { FIRST_URGENT, fate_of, type TaskSpec } from './workload.js';

/** The promises, by what it is called when they are broken. */
export type Breach =
  /** A task has no outcome. */
  | 'lost'
  /** A task has several outcomes, or one that nobody asked for. */
  | 'doubled'
  /** An outcome is not what the task did: another's value, changed data, an error that it cannot have. */
  | 'wrong'
  /** A value of which no run is in the ledger. */
  | 'invented'
  /** A task was run again although no process of an earlier run was lost. */
  | 'rerun'
  /** A task began after its outcome had been handed over. */
  | 'late_run'
  /** Two runs have the same attempt number, or there are more runs than attempts. */
  | 'miscounted'
  /** A task was given up for what was not its doing: the network, or the freezing of a slave. */
  | 'unfair'
  /** A slave was taken for lost that nothing had been done to. */
  | 'false_death'
  /** A process is left. */
  | 'leftover'
  /** A file is left where none should be. */
  | 'litter'
  /** A descriptor is left open in the master. */
  | 'descriptor'
  /** The master holds more memory than before. */
  | 'leak'
  /** The master itself failed, or came to a stand. */
  | 'master';

/** What can be done to a slave that may be the end of it. */
export type Wrong = 'killed' | 'frozen' | 'half open' | 'cut' | 'starved' | 'its master was killed';

export interface Finding {
  breach: Breach;
  text: string;
}

/** A slave that the master said is lost. */
export interface Loss {
  slave: string;
  pid: number | undefined;
  /** The kind of loss; undefined when the slave could not be started. */
  why: string | undefined;
  reason: string;
  /** The master lacked descriptors or room on the disk when it said so. */
  was_starved?: boolean;
}

export interface Evidence {
  /** All that were asked for. */
  tasks: readonly TaskSpec[];
  /** What each master, one after another, handed over. The last one finished the work. */
  lives: readonly (readonly OutcomeRecord[])[];
  runs: readonly Run[];
  losses: readonly Loss[];
  /** By pid, what was done to a slave that may be the cause of its loss. */
  wronged: ReadonlyMap<number, ReadonlySet<Wrong>>;
  /** Runs that a task which throws or hangs has beyond its first. */
  retries: number;
  /** Deaths of slaves after which a task is given up. */
  attempts: number;
  /** Processes that still live, in words. */
  leftovers: readonly string[];
  /** Of the last master, before it had a job and after the job was stopped. */
  memory?: { begin: MemorySample; warm: MemorySample; end: MemorySample } | undefined;
}

/** Resources that a stopped job must not hold. */
const KEEPS_ALIVE = new Set(['TCPSocketWrap', 'TCPServerWrap', 'ProcessWrap', 'Timeout', 'MessagePort']);
/** Growth of the heap of the master from its first tasks to its end that is no leak yet, bytes. */
const HEAP_SLACK = 8 * 2 ** 20;
/** The same for buffers outside of the heap. */
const EXTERNAL_SLACK = 16 * 2 ** 20;

/** Every promise that was broken, in the order of Breach, about. */
export function audit(evidence: Evidence): Finding[] {
  return [
    ...audit_outcomes(evidence),
    ...audit_repeats(evidence),
    ...audit_runs(evidence),
    ...audit_losses(evidence),
    ...audit_remains(evidence),
  ];
}

function audit_outcomes({ tasks, lives, runs, attempts }: Evidence): Finding[] {
  const findings: Finding[] = [];
  const specs = new Map(tasks.map((spec) => [spec.i, spec]));
  const run_of = new Map(runs.map((run) => [run.run, run]));
  for (const [life, outcomes] of lives.entries()) {
    // of deaths under an earlier master the next one knows the number only
    const own_deaths = life === 0 ? attempts : 1;
    const seen = new Set<number>();
    for (const outcome of outcomes) {
      const { i } = outcome;
      const spec = specs.get(i);
      if (spec === undefined) findings.push({ breach: 'doubled', text: `task ${i} was never asked for` });
      else if (seen.has(i)) findings.push({ breach: 'doubled', text: `${label(spec)} has two outcomes` });
      else findings.push(...audit_outcome(spec, outcome, run_of, own_deaths));
      seen.add(i);
    }
    if (life < lives.length - 1) continue;
    for (const spec of tasks)
      if (!seen.has(spec.i)) findings.push({ breach: 'lost', text: `${label(spec)} has no outcome` });
  }
  return findings;
}

function audit_outcome(
  spec: TaskSpec,
  outcome: OutcomeRecord,
  run_of: ReadonlyMap<string, Run>,
  attempts: number,
): Finding[] {
  const found = (breach: Breach, text: string): Finding[] => [{ breach, text: `${label(spec)}: ${text}` }];
  if (outcome.fault !== undefined) return found('wrong', outcome.fault);
  const fate = fate_of(spec.kind);
  if (outcome.status === 'fulfilled') {
    if (fate !== 'returns') return found('wrong', 'it has a value');
    const run = run_of.get(outcome.run ?? '');
    if (run === undefined || run.task !== spec.i || run.end !== 'done')
      return found('invented', `no run in the ledger gave the value of run ${outcome.run}`);
    return [];
  }
  if (outcome.status === 'cancelled') return [];
  const { code, message = '' } = outcome;
  switch (code) {
    case 'PARJOB_ERR_REMOTE':
      return fate === 'throws' ? [] : found('wrong', `it does not throw: ${message}`);
    case 'PARJOB_ERR_TIMEOUT':
      return fate === 'hangs' ? [] : found('wrong', `it does not hang: ${message}`);
    case 'PARJOB_ERR_SLAVE_DIED':
      if ((outcome.deaths ?? attempts) < attempts)
        return found(
          'unfair',
          `given up after ${outcome.deaths} deaths of ${attempts}: ${first_lines(message)}`,
        );
      if (spec.kind === 'abort' && message.includes('ran out of memory'))
        return found('wrong', 'told to have run out of memory, but it aborts');
      return [];
    default:
      return found('wrong', `${code}: ${message}`);
  }
}

/**
 * The outcome of each task that counts: the first value that was handed over, which later masters must only repeat.
 * What has failed or was cancelled is run again by the next master, and so is run_task; there the last one counts.
 */
function counting_outcomes(lives: Evidence['lives']): Map<number, OutcomeRecord> {
  const counting = new Map<number, OutcomeRecord>();
  for (const outcomes of lives)
    for (const outcome of outcomes) {
      const earlier = counting.get(outcome.i);
      if (earlier?.status !== 'fulfilled' || outcome.i >= FIRST_URGENT) counting.set(outcome.i, outcome);
    }
  return counting;
}

/** A value that was handed over once is that of every later master. */
function audit_repeats({ lives, tasks }: Evidence): Finding[] {
  const findings: Finding[] = [];
  const specs = new Map(tasks.map((spec) => [spec.i, spec]));
  const handed_over = new Map<number, OutcomeRecord>();
  for (const outcomes of lives)
    for (const outcome of outcomes) {
      const earlier = handed_over.get(outcome.i);
      const spec = specs.get(outcome.i);
      if (spec === undefined || outcome.i >= FIRST_URGENT) continue;
      if (earlier === undefined && outcome.status === 'fulfilled') handed_over.set(outcome.i, outcome);
      if (earlier !== undefined && earlier.run !== outcome.run)
        findings.push({
          breach: 'wrong',
          text: `${label(spec)}: the value of run ${earlier.run} became ${outcome.run ?? outcome.code ?? outcome.status}`,
        });
    }
  return findings;
}

/** A message without the last words of slaves, which may say anything. */
function first_lines(message: string): string {
  return message
    .split('\n')
    .filter((line) => !/^\s*\|/.test(line))
    .join('\n');
}

function audit_runs(evidence: Evidence): Finding[] {
  const { tasks, lives, runs, wronged, attempts, losses, retries } = evidence;
  const findings: Finding[] = [];
  const specs = new Map(tasks.map((spec) => [spec.i, spec]));
  const outcome_of = counting_outcomes(lives);
  const suicides = suicides_in(runs);
  /** Processes that the master has ended, for the sake of a task or of their size. */
  const ended = new Set(
    losses
      .filter(({ why }) => why === 'timed_out' || why === 'cancelled' || why === 'too_large')
      .map(({ pid }) => pid),
  );
  for (const [i, own] of by_task(runs)) {
    const spec = specs.get(i);
    if (spec === undefined) {
      findings.push({ breach: 'doubled', text: `task ${i} was run and never asked for` });
      continue;
    }
    const found = (breach: Breach, text: string) =>
      findings.push({ breach, text: `${label(spec)}: ${text}` });
    const outcome = outcome_of.get(i);
    const numbers = new Set(own.map(({ attempt }) => attempt));
    if (lives.length === 1) {
      if (numbers.size < own.length) found('miscounted', `two runs are attempt ${duplicate(own)}`);
      if (outcome?.attempts !== undefined && own.length > outcome.attempts)
        found('miscounted', `${own.length} runs, but ${outcome.attempts} attempts`);
    }
    if (outcome?.code === 'PARJOB_ERR_SLAVE_DIED' && lives.length === 1) {
      // an attempt may have been over before the task began: then it is in no ledger
      const unseen = Math.max(0, (outcome.attempts ?? own.length) - own.length);
      const deaths = own.filter(({ end, pid }) => end === 'dies' || wronged.get(pid)?.has('killed'));
      if (deaths.length + unseen < attempts)
        found('unfair', `given up, but only ${deaths.length} of its ${own.length} runs ended with a death`);
    }
    const last = own.reduce((a, b) => (a.began_at > b.began_at ? a : b));
    const counted = own.find(({ run }) => run === outcome?.run) ?? last;
    for (const run of own) {
      if (outcome !== undefined && outcome.status !== 'cancelled' && run.began_at > outcome.at)
        found('late_run', `run ${run.run} began after the outcome`);
      const is_excused =
        wronged.has(run.pid) ||
        suicides.has(run.pid) ||
        ended.has(run.pid) ||
        (run.end === 'threw' && (retries > 0 || lives.length > 1)) ||
        // of what is beside the queue nothing is recorded: each master has it done
        (lives.length > 1 && i >= FIRST_URGENT);
      if (run === counted || is_excused) continue;
      found(
        'rerun',
        `run ${run.run} (${run.end ?? 'no end'}) did not count, and nobody had wronged its slave`,
      );
    }
  }
  return findings;
}

/** By kind of loss, what may have been done to a slave that is lost so. */
const CAUSES: Readonly<Record<string, readonly Wrong[]>> = {
  lost: ['frozen', 'half open', 'cut'],
};

/** A loss has a cause, and is of the kind of its cause. */
function audit_losses(evidence: Evidence): Finding[] {
  const { losses, wronged, runs, tasks } = evidence;
  const suicides = suicides_in(runs);
  const hangs = new Set(tasks.filter(({ kind }) => fate_of(kind) === 'hangs').map(({ i }) => i));
  const cancelled = cancelled_in(evidence);
  const unended = runs.filter(({ end }) => end === undefined);
  const has_cause = ({ pid, why, was_starved, reason }: Loss): boolean => {
    // the last of the descriptors may have been taken when the strike was over already
    const lacks_descriptors = /EMFILE|ENFILE/.test(reason);
    if (why === undefined && (was_starved === true || lacks_descriptors)) return true;
    if (pid === undefined) return false;
    const wrongs = wronged.get(pid) ?? new Set();
    if (wrongs.has('starved')) return true;
    switch (why) {
      case undefined:
        return wrongs.size > 0 || suicides.has(pid);
      case 'timed_out':
        return unended.some((run) => run.pid === pid && hangs.has(run.task));
      case 'cancelled':
        return unended.some((run) => run.pid === pid && cancelled.has(run.task));
      case 'died':
        return suicides.has(pid) || wrongs.has('killed');
      default:
        return (CAUSES[why] ?? []).some((wrong) => wrongs.has(wrong));
    }
  };
  return losses
    .filter((loss) => !has_cause(loss))
    .map(({ slave, pid, why, reason }) => ({
      breach: 'false_death',
      text: `${slave} (${pid}), ${why}, but ${[...(wronged.get(pid ?? 0) ?? [])].join(' and ') || 'unharmed'}: ${reason}`,
    }));
}

function audit_remains({ leftovers, memory }: Evidence): Finding[] {
  const findings: Finding[] = leftovers.map((text) => ({ breach: 'leftover', text }));
  if (memory === undefined) return findings;
  const { begin, warm, end } = memory;
  if (end.sockets > begin.sockets)
    findings.push({ breach: 'descriptor', text: `${end.sockets - begin.sockets} sockets are left open` });
  if (end.descriptors > begin.descriptors)
    findings.push({
      breach: 'descriptor',
      text: `${begin.descriptors} descriptors before, ${end.descriptors} after: ${end.open.join(', ')}`,
    });
  const kept = end.resources.filter((name) => KEEPS_ALIVE.has(name)).length;
  if (kept > begin.resources.filter((name) => KEEPS_ALIVE.has(name)).length)
    findings.push({ breach: 'descriptor', text: `the process is kept alive by ${end.resources.join(', ')}` });
  for (const [name, slack] of [
    ['heap', HEAP_SLACK],
    ['external', EXTERNAL_SLACK],
  ] as const) {
    const growth = end[name] - warm[name];
    if (growth > slack)
      findings.push({ breach: 'leak', text: `${name} has grown by ${(growth / 2 ** 20).toFixed(1)} MiB` });
  }
  return findings;
}

/** Tasks that the user gave up. */
function cancelled_in({ lives }: Evidence): Set<number> {
  return new Set(
    lives.flatMap((outcomes) => outcomes.filter(({ status }) => status === 'cancelled').map(({ i }) => i)),
  );
}

/** Processes that a task has ended by its own hand. */
function suicides_in(runs: readonly Run[]): Set<number> {
  return new Set(runs.filter(({ end }) => end === 'dies').map(({ pid }) => pid));
}

function by_task(runs: readonly Run[]): Map<number, Run[]> {
  const tasks = new Map<number, Run[]>();
  for (const run of runs) {
    const own = tasks.get(run.task);
    if (own === undefined) tasks.set(run.task, [run]);
    else own.push(run);
  }
  return tasks;
}

function duplicate(runs: readonly Run[]): number | undefined {
  const seen = new Set<number>();
  return runs.find(({ attempt }) => seen.size === seen.add(attempt).size)?.attempt;
}

function label({ i, kind }: TaskSpec): string {
  return i >= FIRST_URGENT ? `urgent task ${i - FIRST_URGENT} (${kind})` : `task ${i} (${kind})`;
}
