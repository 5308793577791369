/**
 * A master program for tests, which may be killed and started again: 4 sections of serial.js over `in.txt` in the
 * folder that is its first argument. Says what happens, a line an event.
 */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { local_slaves } from '../../../dist/master/local_slave.js';
import { CopyFile } from '../../../dist/sections/copy_file.js';
import { ParJob } from '../../../dist/sections/par_job.js';
import { SplitFile } from '../../../dist/sections/split_file.js';

const [folder, slots = '2', ...words] = process.argv.slice(2);
const parjob = new ParJob({
  sect_pars: 4,
  files: {
    in: new SplitFile({ name: join(folder, 'in.txt'), usage: 'INPUT', tag: 'in=' }),
    table: new CopyFile({ name: join(folder, 'table.txt'), usage: 'INPUT', tag: 'table=' }),
    out: new SplitFile({ name: join(folder, 'out.txt'), usage: 'OUTPUT', tag: 'out=' }),
  },
  program: [process.execPath, fileURLToPath(new URL('./serial.js', import.meta.url))],
  global_pars: `checkpoint=report runs=${join(folder, 'runs')} hold=${join(folder, 'go')} ${words.join(' ')}`,
  restart: true,
  restart_com: 'restart=1',
  slaves: local_slaves(Number(slots)),
  scratch: join(folder, 'scratch'),
  jobname: 'killed',
  log_dir: join(folder, 'logs'),
  verb: -1,
  job: { log_level: 'silent' },
});
const NAMES = ['section_sent', 'section_checkpoint', 'section_finished', 'section_collected', 'notice'];
for (const name of NAMES)
  parjob.on(name, ({ id, attempt, text }) =>
    console.log([name, id, attempt, text].filter((word) => word !== undefined).join(' ')),
  );
const { done } = await parjob.run();
console.log(`done ${done.join(' ')}`);
