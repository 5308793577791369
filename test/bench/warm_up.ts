/** Warming up: no-op tasks until every worker is there and the code is compiled. */
import type { Contender } from './contenders/contender.js';

const BATCH = 2_000;

export async function warm_up(contender: Contender, ms: number): Promise<void> {
  await contender.ready?.();
  const end = performance.now() + ms;
  do {
    const args = Array.from({ length: BATCH }, (_, i) => ({ i, s: 'abc' }));
    if (contender.run_all !== undefined) await contender.run_all('noop', args);
    await Promise.all(args.map((arg) => contender.run('noop', arg)));
  } while (performance.now() < end);
}
