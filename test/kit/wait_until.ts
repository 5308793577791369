/** Waits, one turn of the event loop after another, until `condition` holds; no sleeping. */
export async function wait_until(condition: () => boolean, what: string, limit = 5000): Promise<void> {
  const deadline = performance.now() + limit;
  while (!condition()) {
    if (performance.now() > deadline)
      throw new Error(`after ${limit} ms there was still no sign of: ${what}`);
    await turn();
  }
}

/** One turn of the event loop. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
