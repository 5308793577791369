/** How numbers are written for people. */

/** `12 345`. */
export function count_text(count: number): string {
  return Math.round(count)
    .toString()
    .replace(/\B(?=(\d{3})+$)/g, ' ');
}

/** `1 task`, `2 tasks`. */
export function plural(count: number, word: string): string {
  return `${count_text(count)} ${word}${count === 1 ? '' : 's'}`;
}

/** A time: `0.4 ms`, `12 ms`, `3.2 s`, `4 min 05 s`, `3 h 07 min`, `2 d 4 h`. */
export function time_text(ms: number): string {
  if (ms < 9.95) return `${ms < 0.05 ? '0' : ms.toFixed(1)} ms`;
  if (ms < 999.5) return `${Math.round(ms)} ms`;
  if (ms < 9_950) return `${(ms / 1000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1000);
  if (seconds < 60) return `${seconds} s`;
  const two = (n: number) => String(n).padStart(2, '0');
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${two(seconds % 60)} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 24 * 60) return `${Math.floor(minutes / 60)} h ${two(minutes % 60)} min`;
  const hours = Math.round(minutes / 60);
  return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

/** `112 MiB`. */
export function bytes_text(bytes: number): string {
  const mebibytes = bytes / 2 ** 20;
  if (mebibytes < 9.95) return `${mebibytes.toFixed(1)} MiB`;
  return mebibytes < 9_999.5 ? `${Math.round(mebibytes)} MiB` : `${(mebibytes / 1024).toFixed(1)} GiB`;
}

/** `318/s`, `2.4/s`, `7.2/min`, `3/h`. */
export function rate_text(per_second: number): string {
  const short = (n: number) => (n < 9.95 ? n.toFixed(1) : count_text(n));
  if (per_second >= 0.95) return `${short(per_second)}/s`;
  if (per_second * 60 >= 0.95) return `${short(per_second * 60)}/min`;
  return `${short(per_second * 3600)}/h`;
}

/** `97 %`. */
export function percent_text(share: number): string {
  return `${Math.floor(share * 100)} %`;
}

/** One line, without what a terminal would obey. */
export function plain_line(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' ').trim();
}
