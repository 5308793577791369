/**
 * The process in which one contender is measured slice by slice: `node slice_arena.js <module> <entry as JSON>`.
 *
 * The module's `prepare(entry)` gives a function that measures a slice. It is called at each message from the harness,
 * and the times it returns are the answer.
 */
import type { Entry } from './rounds.js';
import type { RunSlice } from './slices.js';

interface SlicedModule {
  prepare(entry: Entry): Promise<RunSlice>;
}

const [module_name, entry] = process.argv.slice(2) as [string, string];
const { prepare } = (await import(`./${module_name}.js`)) as SlicedModule;
const run_slice = await prepare(JSON.parse(entry));
process.on('message', async () => process.send!(await run_slice()));
process.on('disconnect', () => process.exit());
process.send!([]);
