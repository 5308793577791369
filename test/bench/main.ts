/**
 * The benches: `npm run bench [-- --only name,name] [--quick]`. See README.md.
 *
 * A JSON line per result as soon as it is known, and a table of what was claimed and what came of it at the end.
 */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { big_array } from './big_array.js';
import { build, REPOSITORY } from './build.js';
import { busy_tasks } from './busy_tasks.js';
import { encryption } from './encryption.js';
import { far_slaves } from './far_slaves.js';
import type { Figure } from './figure.js';
import { foreign_load } from './foreign_load.js';
import { many_slaves } from './many_slaves.js';
import { end_running } from './measured_process.js';
import { memory } from './memory.js';
import { messages } from './messages.js';
import { python_systems } from './python_systems.js';
import { Report } from './report.js';
import { round_trip } from './round_trip.js';
import { sections } from './sections.js';
import { start } from './start.js';
import { throughput } from './throughput.js';
import { watching } from './watching.js';

const FIGURES: readonly Figure[] = [
  throughput,
  round_trip,
  messages,
  big_array,
  busy_tasks,
  start,
  memory,
  many_slaves,
  encryption,
  far_slaves,
  watching,
  python_systems,
  sections,
];

const { values: flags } = parseArgs({
  options: { only: { type: 'string' }, quick: { type: 'boolean', default: false } },
});

const figures = chosen_figures(flags.only);
const compiled = await build();
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, async () => {
    end_running();
    await compiled.remove();
    process.exit(1);
  });
}
const report = new Report();
const has_parjob = existsSync(path.join(REPOSITORY, 'dist', 'bundle', 'index.js'));
try {
  for (const figure of figures) {
    report.add_foreign_load(figure.name, await foreign_load());
    await figure.run({ build: compiled, report, quick: flags.quick, has_parjob });
  }
} finally {
  await compiled.remove();
}
report.print_table();

function chosen_figures(only: string | undefined): readonly Figure[] {
  if (only === undefined) return FIGURES;
  return only.split(',').map((name) => {
    const figure = FIGURES.find((figure) => figure.name === name);
    const known = FIGURES.map((figure) => figure.name).join(', ');
    if (figure === undefined) throw new Error(`there is no figure ${name}; there are ${known}`);
    return figure;
  });
}
