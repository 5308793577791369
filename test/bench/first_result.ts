/**
 * A whole program up to its first result: `node first_result.js <contender>`.
 *
 * Starts two workers, runs a task for each, and reports when the first result came (ms since the epoch, with decimals).
 */
import { writeSync } from 'node:fs';
import { load_contender } from './contenders/contender.js';

const contender = await load_contender(process.argv[2]!);
await contender.start(2);
const results = [1, 2].map((i) => contender.run('noop', { i, s: 'abc' }));
await Promise.race(results);
const first_result_at = performance.timeOrigin + performance.now();
await Promise.all(results);
writeSync(3, JSON.stringify(first_result_at));
await contender.stop();
process.exit();
