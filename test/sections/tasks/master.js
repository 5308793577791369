/**
 * A master program for tests, which may be killed and started again: 4 sections of serial.js over `in.txt` in the
 * folder that is its first argument. Says what happens, a line an event. With DIE_AT='7 torn' in the environment it
 * is killed at the seventh line that it writes to its status file, with a text in place of the number at the first line
 * that has it: `before` that, when half of it is there (`torn`), or `after` it.
 */
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CopyFile, local_slaves, ParJob, SplitFile } from 'parjob';

const [, die_at, die_how] = /^(.*) (before|torn|after)$/.exec(process.env.DIE_AT ?? '') ?? [];
if (die_how !== undefined) {
  const { writeSync } = fs;
  let lines = 0;
  fs.writeSync = (fd, text, ...rest) => {
    const is_line = typeof text === 'string' && text.startsWith('{"kind":');
    if (is_line) lines++;
    const is_last = /^\d+$/.test(die_at) ? lines === Number(die_at) : text.includes?.(die_at);
    if (!is_line || !is_last) return writeSync(fd, text, ...rest);
    if (die_how !== 'before') writeSync(fd, die_how === 'torn' ? text.slice(0, text.length / 2) : text);
    process.kill(process.pid, 'SIGKILL');
    return text.length;
  };
  syncBuiltinESMExports();
}

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
  restart: process.env.RESTART !== 'no',
  restart_com: 'restart=1',
  slaves: local_slaves(Number(slots)),
  scratch: join(folder, 'scratch'),
  jobname: 'killed',
  log_dir: join(folder, 'logs'),
  verb: -1,
  job: { log_level: 'silent', reconnect_timeout: Number(process.env.RECONNECT_TIMEOUT ?? 30_000) },
});
const NAMES = [
  'section_sent',
  'section_started',
  'section_checkpoint',
  'section_finished',
  'section_collected',
  'notice',
];
for (const name of NAMES)
  parjob.on(name, ({ id, attempt, text, pid }) =>
    console.log([name, id, attempt, text, pid].filter((word) => word !== undefined).join(' ')),
  );
const { done } = await parjob.run();
console.log(`done ${done.join(' ')}`);
