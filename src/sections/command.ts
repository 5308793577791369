/**
 * The command of a section: words, never text for a shell. Parameters and paths of pieces are put behind the program,
 * or where a word of it names them in braces.
 *
 *     program: 'fdmod'                          ─▶  fdmod nt=1000 ns=3 intag=/scratch/vel.H        < and > by their tags
 *     program: ['blastn', '-query', '{in}']     ─▶  blastn -query /scratch/in/queries.fa
 */
import { type Expectation, STRING_RECORD, STRINGS, show } from '../base/options.js';
import { UsageError } from '../errors.js';
import type { Stage } from './far/messages.js';
import { type ParFile, STDIN, STDOUT } from './par_file.js';
import type { Pars, WordStyle } from './pars.js';

/** How parameters reach the program: as words, as flags, or as JSON on its standard input. */
export type ParStyle = WordStyle | 'json';

/** A file of a section, as its command sees it. */
export interface SectionFile {
  key: string;
  path: string;
  tag: string | undefined;
  /** Words for a program that goes on with what is in it. */
  reuse_words: readonly string[];
}

/** What is run for a section: the words of one program, those of each of a pipeline, or with an environment. */
export type SectionCommand =
  | readonly string[]
  | readonly (readonly string[])[]
  | { stages: readonly Stage[] };

export interface Redirections {
  stdin: { path: string } | { text: string } | undefined;
  stdout: string | undefined;
}

/** Words of which the first is the program. */
export const A_COMMAND: Expectation = {
  expected: 'an array of words, the first of them the program',
  holds: (v) => STRINGS.holds(v) && (v as readonly string[]).length > 0 && (v as readonly string[])[0] !== '',
};

/** The command that a program, parameters and files make. */
export function default_command(
  program: string | readonly string[],
  names: Readonly<Record<string, string>>,
  pars: Pars,
  style: ParStyle,
  files: readonly SectionFile[],
): string[] {
  const given = typeof program === 'string' ? [program] : program;
  const named = new Set<string>();
  const values: Record<string, string> = { ...names };
  for (const { key, path } of files) values[key] = path;
  const words = given.map((word) =>
    word.replace(/\{([^{}]+)\}/g, (whole, name: string) => {
      const value = values[name];
      if (value === undefined) return whole;
      named.add(name);
      return value;
    }),
  );
  if (style !== 'json') words.push(...pars.to_words(style));
  for (const { key, path, tag, reuse_words } of files) {
    if (!named.has(key) && tag !== STDIN && tag !== STDOUT) words.push(...words_of(key, path, tag));
    words.push(...reuse_words);
  }
  return words;
}

/**
 * Looks whether each file has a place in the command, and no two the same.
 * @param program undefined: a function of the user makes the command
 * @throws UsageError (PARJOB_ERR_USAGE)
 */
export function check_places(
  program: string | readonly string[] | undefined,
  files: Readonly<Record<string, ParFile>>,
  style: ParStyle,
): void {
  const all = Object.entries(files);
  for (const tag of [STDIN, STDOUT]) {
    const takers = all.filter(([, file]) => file.tag === tag).map(([key]) => `the file ${key}`);
    if (tag === STDIN && style === 'json') takers.push("the JSON of par_style: 'json'");
    if (takers.length > 1)
      throw new UsageError(
        `${takers.join(' and ')} cannot all be standard ${tag === STDIN ? 'input' : 'output'}: give one of them another tag`,
      );
  }
  if (program === undefined) return;
  const text = [program].flat().join('\n');
  for (const [key, { tag }] of all) if (!text.includes(`{${key}}`)) words_of(key, '', tag);
}

function words_of(key: string, path: string, tag: string | undefined): string[] {
  if (tag === undefined)
    throw new UsageError(
      `the file ${key} has no place in the command: give it a tag, such as 'in=' or '<', or put {${key}} into a word of the program`,
    );
  return tag.endsWith('=') ? [`${tag}${path}`] : [tag, path];
}

/** Where the files with the tags of redirections go. */
export function redirections(files: readonly SectionFile[], pars: Pars, style: ParStyle): Redirections {
  const input = files.find(({ tag }) => tag === STDIN)?.path;
  const text = style === 'json' ? { text: pars.to_json() } : undefined;
  return {
    stdin: input === undefined ? text : { path: input },
    stdout: files.find(({ tag }) => tag === STDOUT)?.path,
  };
}

/**
 * @param command what a user's function has given: it may be anything
 * @throws UsageError (PARJOB_ERR_USAGE) when it is no command
 */
export function stages_of(command: unknown): Stage[] {
  const stages = as_stages(command);
  if (!Array.isArray(stages) || stages.length === 0 || !stages.every(is_stage))
    throw new UsageError(
      "command_func: expected an array of words, such as ['prog', 'n=3'], or one such array for each stage of a pipeline; " +
        `it gave ${show(command)}`,
    );
  return stages.map(({ words, env }) => ({ words: [...words], env }));
}

function as_stages(command: unknown): unknown {
  if (!Array.isArray(command)) return (command as { stages?: unknown } | null | undefined)?.stages;
  return typeof command[0] === 'string' ? [{ words: command }] : command.map((words) => ({ words }));
}

function is_stage(stage: unknown): stage is Stage {
  const { words, env } = (stage ?? {}) as { words?: unknown; env?: unknown };
  return A_COMMAND.holds(words) && (env === undefined || STRING_RECORD.holds(env));
}
