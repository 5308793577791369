/** Whether a status file is that of this program, told from what both run. Pure: it reads no file. */

/** Facts of a program that must be the same in the run that goes on: `main_script` and what else counts. */
export type ProgramFacts = Readonly<Record<string, string>>;

/** A program, as far as its status file tells it from another. */
export interface ProgramSummary {
  jobname: string;
  program: ProgramFacts;
  /** What its tasks run, `needle.js#align`, and how many there are of each; empty while it is not known. */
  functions: ReadonlyMap<string, number>;
}

/** Most functions that the text lists. */
const MAX_LISTED = 5;

/**
 * What `recorded`, a status file, and `present`, this program, differ in, as a text that follows
 * "because"; undefined when the file may be gone on with. Functions differ when both have some and none is
 * in both: a program may get new tasks, or be done with some.
 */
export function difference(recorded: ProgramSummary, present: ProgramSummary): string | undefined {
  const texts: string[] = [];
  if (recorded.jobname !== present.jobname) {
    texts.push(`its jobname is '${recorded.jobname}', that of this program '${present.jobname}'`);
  }
  for (const name of new Set([...Object.keys(recorded.program), ...Object.keys(present.program)])) {
    const there = fact(recorded.program, name);
    const here = fact(present.program, name);
    if (there === here) continue;
    texts.push(`its ${name} is ${quoted(there)}, that of this program ${quoted(here)}`);
  }
  const { functions } = present;
  const has_common = [...recorded.functions.keys()].some((name) => functions.has(name));
  if (recorded.functions.size > 0 && functions.size > 0 && !has_common) {
    const counted = [...recorded.functions].map(
      ([name, count]) => `${count} ${count === 1 ? 'task' : 'tasks'} of ${name}`,
    );
    texts.push(`it holds ${list(counted)}, this program queues ${list([...functions.keys()])}`);
  }
  return texts.length === 0 ? undefined : texts.join('; ');
}

function fact(facts: ProgramFacts, name: string): string | undefined {
  return Object.hasOwn(facts, name) ? facts[name] : undefined;
}

function quoted(text: string | undefined): string {
  return text === undefined ? 'not known' : `'${text}'`;
}

function list(words: readonly string[]): string {
  const more = words.length - MAX_LISTED;
  const shown = words.slice(0, MAX_LISTED);
  return `${shown.join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}
