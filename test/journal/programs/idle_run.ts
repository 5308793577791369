/**
 * Holds a status file, says so, and waits.
 *
 *     node --import tsx idle_run.ts <file>
 */
import { Journal } from '../../../src/journal/journal.js';
import { options_of } from '../options.js';

const [file = ''] = process.argv.slice(2);
Journal.create(options_of(file));
console.log('ready');
setInterval(() => {}, 60_000);
