/** parjob run, exec: runs of sections, by a spec or by a program with files around it. */
import { readFileSync } from 'node:fs';
import { basename, extname } from 'node:path';
import { UsageError } from '../errors.js';
import type { ParJob } from '../sections/par_job.js';
import { type ExecOptions, job_of_exec, job_of_spec } from '../sections/spec.js';
import { read_config, type SlaveFlags, slaves_for } from './config.js';

export interface SectionFlags extends SlaveFlags {
  restart?: boolean;
  mfile?: string;
  njobs?: string;
  attempts?: string;
  jobname?: string;
  scratch?: string;
  quiet?: boolean;
}

export interface ExecFlags extends SectionFlags {
  split?: string[];
  copy?: string[];
  collect?: string[];
  sections?: string;
}

/** parjob run SPEC. Returns the exit code. @throws UsageError (PARJOB_ERR_USAGE) */
export async function run_spec(file: string, flags: SectionFlags): Promise<number> {
  const spec = await read_spec(file);
  const over = await common(flags);
  const has_name =
    over.jobname !== undefined || (spec as { jobname?: unknown } | null)?.jobname !== undefined;
  return run(job_of_spec(spec, has_name ? over : { ...over, jobname: name_of(file) }));
}

/** parjob exec -- PROGRAM. Returns the exit code. @throws UsageError (PARJOB_ERR_USAGE) */
export async function exec(program: readonly string[], flags: ExecFlags): Promise<number> {
  const { split, copy, collect } = flags;
  const sections = whole_number('--sections', flags.sections);
  const jobname = name_of(program[0] ?? '');
  return run(
    await job_of_exec({ jobname, ...(await common(flags)), program, split, copy, collect, sections }),
  );
}

/** As the name of a script names the job that it makes: shots.yaml the job shots. */
function name_of(file: string): string {
  return basename(file, extname(file)).replace(/^-+/, '') || 'parjob';
}

async function run(job: ParJob): Promise<number> {
  const { failed, not_removed } = await job.run();
  for (const { host, path, reason } of not_removed)
    console.error(`parjob: ${path} is still on ${host}: ${reason}; it is tried again at the next run`);
  return failed.length === 0 ? 0 : 1;
}

/** What flags and config say of any run. What they do not say is left out. */
async function common(flags: SectionFlags): Promise<Omit<ExecOptions, 'program'>> {
  const { restart, mfile, jobname, scratch, on } = flags;
  const config = await read_config(flags.config);
  const is_told = on !== undefined || config.on !== undefined || config.slaves !== undefined;
  const said = {
    restart,
    mfile,
    jobname,
    scratch,
    njobs: whole_number('--njobs', flags.njobs),
    attempts: whole_number('--attempts', flags.attempts),
    verb: flags.quiet === true ? 0 : 1,
    slaves: mfile === undefined && is_told ? await slaves_for(flags, config) : undefined,
  };
  return Object.fromEntries(Object.entries(said).filter(([, value]) => value !== undefined));
}

function whole_number(flag: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const number = Number(text);
  if (Number.isSafeInteger(number) && number > 0) return number;
  throw new UsageError(`${flag} takes a whole number above 0, got ${JSON.stringify(text)}`);
}

async function read_spec(file: string): Promise<unknown> {
  const { parse } = await import('yaml');
  try {
    // JSON is YAML too
    return parse(readFileSync(file, 'utf8'));
  } catch (error) {
    throw new UsageError(`the spec ${file} cannot be read: ${(error as Error).message}`, { cause: error });
  }
}
