/** Runs a short command, such as sbatch or qstat, to its end. */

export interface CommandResult {
  exit_code: number | undefined;
  stdout: string;
  stderr: string;
  /** Set when it could not be run, or took too long: why, in words. */
  failure: string | undefined;
  is_missing: boolean;
}

/** No answer of a batch system should take so long, ms. */
const TIMEOUT = 60_000;

/** Never rejects. */
export async function run_command(
  words: readonly string[],
  { input, env }: { input?: string | undefined; env?: Readonly<Record<string, string | undefined>> } = {},
): Promise<CommandResult> {
  const { execa } = await import('execa');
  const [file, ...args] = words as [string, ...string[]];
  const result = await execa(file, args, {
    env: { ...env },
    timeout: TIMEOUT,
    reject: false,
    ...(input === undefined ? { stdin: 'ignore' } : { input }),
  });
  const { exitCode: exit_code, stdout, stderr, timedOut, code, failed } = result;
  const failure = timedOut
    ? `gave no answer within ${TIMEOUT / 1000} s`
    : failed && exit_code === undefined
      ? `could not be run (${code ?? 'of unknown cause'})`
      : undefined;
  return {
    exit_code,
    stdout: String(stdout ?? ''),
    stderr: String(stderr ?? ''),
    failure,
    is_missing: code === 'ENOENT',
  };
}
