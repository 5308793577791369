/** The tasks of the benches, in plain JavaScript so that no worker needs a loader. Every contender runs these. */

/** Nothing at all. */
export function noop(arg) {
  return arg.i;
}

/** Sends back what came. */
export function echo(arg) {
  return arg;
}

/** Keeps its worker busy for so many milliseconds of real time. */
export function busy(ms) {
  const end = performance.now() + ms;
  while (performance.now() < end);
  return ms;
}
