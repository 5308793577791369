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
import { STDIN, STDOUT } from './par_file.js';
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

const NAME_IN_BRACES = /\{([^{}]+)\}/g;

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
    word.replace(NAME_IN_BRACES, (whole, name: string) => {
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
 * Looks, before anything is sent, whether all files can come into the command.
 * @param program undefined when a command_func makes the command
 * @throws UsageError (PARJOB_ERR_USAGE) that names the file
 */
export function check_places(
  program: string | readonly string[] | undefined,
  files: Readonly<Record<string, { tag: string | undefined }>>,
  style: ParStyle,
): void {
  const words = program === undefined ? [] : [program].flat();
  const named = new Set(words.flatMap((word) => [...word.matchAll(NAME_IN_BRACES)].map(([, name]) => name)));
  for (const [key, { tag }] of Object.entries(files))
    if (tag === undefined && program !== undefined && !named.has(key)) throw no_place(key);
  for (const tag of [STDIN, STDOUT]) {
    const keys = Object.keys(files).filter((key) => files[key]?.tag === tag);
    if (keys.length > 1)
      throw new UsageError(
        `only one file can be the standard ${tag === STDIN ? 'input' : 'output'}, and ${keys.join(', ')} have the tag '${tag}': name the others in the program`,
      );
    if (tag === STDIN && keys.length > 0 && style === 'json')
      throw new UsageError(
        `with par_style 'json' parameters are on the standard input, which the file ${keys[0]} has the tag of: name it in the program`,
      );
  }
}

function no_place(key: string): UsageError {
  return new UsageError(
    `the file ${key} has no place in the command: give it a tag, such as 'in=' or '<', or put {${key}} into a word of the program`,
  );
}

function words_of(key: string, path: string, tag: string | undefined): string[] {
  if (tag === undefined) throw no_place(key);
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
