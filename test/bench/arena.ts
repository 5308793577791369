/**
 * The process in which one contender is measured once: `node arena.js <module> <entry as JSON>`.
 *
 * The module's `measure(entry)` does it; what it returns goes to the harness as JSON over file descriptor 3, since
 * stdout belongs to whatever is measured.
 */
import { writeSync } from 'node:fs';
import type { Entry, Measures } from './rounds.js';

interface FigureModule {
  measure(entry: Entry): Promise<Measures>;
}

const REPORT_FD = 3;

const [module_name, entry] = process.argv.slice(2) as [string, string];
const { measure } = (await import(`./${module_name}.js`)) as FigureModule;
const measures = await measure(JSON.parse(entry));
writeSync(REPORT_FD, JSON.stringify(measures));
process.exit();
