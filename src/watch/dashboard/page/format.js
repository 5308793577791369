/** How numbers are written for people: as in src/watch/format.ts. */

export function count_text(count) {
  return Math.round(count)
    .toString()
    .replace(/\B(?=(\d{3})+$)/g, '\u202f');
}

export function time_text(ms) {
  if (ms < 9.95) return `${ms < 0.05 ? '0' : ms.toFixed(1)} ms`;
  if (ms < 999.5) return `${Math.round(ms)} ms`;
  if (ms < 9950) return `${(ms / 1000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1000);
  if (seconds < 60) return `${seconds} s`;
  const two = (n) => String(n).padStart(2, '0');
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${two(seconds % 60)} s`;
  const minutes = Math.round(seconds / 60);
  return `${Math.floor(minutes / 60)} h ${two(minutes % 60)} min`;
}

export function bytes_text(bytes) {
  if (bytes < 1000) return `${bytes} B`;
  if (bytes < 1000 * 2 ** 10) return `${short(bytes / 2 ** 10)} KiB`;
  if (bytes < 10_000 * 2 ** 20) return `${short(bytes / 2 ** 20)} MiB`;
  return `${short(bytes / 2 ** 30)} GiB`;
}

function short(number) {
  return number < 9.95 ? number.toFixed(1) : Math.round(number);
}

/** A time of day, `14:05:09`, with its date when what is shown is longer than a day. */
export function moment_text(ms, span_ms) {
  const two = (n) => String(n).padStart(2, '0');
  const at = new Date(ms);
  const [hours, minutes] = [two(at.getHours()), two(at.getMinutes())];
  if (span_ms > 24 * 3_600_000) return `${two(at.getMonth() + 1)}-${two(at.getDate())} ${hours}:${minutes}`;
  return `${hours}:${minutes}:${two(at.getSeconds())}`;
}

export function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}
