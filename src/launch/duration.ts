/** Times as batch systems write them: `1-12:30:00`, `12:30:00`, `30:00`. */
import { UsageError } from '../errors.js';

/** Behind days all three: of two, Slurm takes the first for hours. One alone is minutes for some and seconds for others. */
const FORM = /^(?:(?:\d+-)?\d+:)?\d+:\d+$/;

/**
 * Seconds of a walltime. A number is ms, as everywhere; text is `days-hours:minutes:seconds`, of which the days,
 * or days and hours, may be left out.
 * @throws UsageError (PARJOB_ERR_USAGE)
 */
export function walltime_seconds(time: string | number): number {
  if (typeof time === 'number') return Math.ceil(time / 1000);
  const parts = time.split('-');
  const fields = (parts.at(-1) ?? '').split(':').map(Number);
  const days = parts.length === 2 ? Number(parts[0]) : 0;
  const [seconds = 0, minutes = 0, hours = 0] = fields.reverse();
  if (!FORM.test(time)) {
    throw new UsageError(
      `the option time must be text of the form days-hours:minutes:seconds, such as '1:30:00', or a number of ms; got ${JSON.stringify(time)}`,
    );
  }
  return ((days * 24 + hours) * 60 + minutes) * 60 + seconds;
}

/** `hours:minutes:seconds`, which all batch systems read. */
export function format_walltime(seconds: number): string {
  const two = (n: number) => String(n).padStart(2, '0');
  return `${Math.floor(seconds / 3600)}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
}
