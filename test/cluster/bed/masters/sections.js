/**
 * A ParJob on hosts by ssh: `sections.js SCRATCH HOSTS SECTIONS SECONDS`. Each section of words.txt is turned to capitals by a
 * program that takes so long. Tells of sections line by line, and ends with the word that the whole is there.
 */
import { ParJob, SplitFile, ssh_slaves } from 'parjob';

const [scratch = '', hosts = '', sections = '', seconds = ''] = process.argv.slice(2);
const job = { heartbeat_interval: 500, heartbeat_timeout: 3000, reconnect_timeout: 3000 };
const parjob = new ParJob({
  sect_pars: Number(sections),
  files: {
    words: new SplitFile({ name: 'words.txt', usage: 'INPUT', tag: '<' }),
    capitals: new SplitFile({ name: 'capitals.txt', usage: 'OUTPUT', tag: '>' }),
  },
  command_func: () => ['sh', '-c', `sleep ${seconds}; tr a-z A-Z`],
  slaves: ssh_slaves(hosts.split(',')),
  scratch,
  jobname: 'sections',
  host_timeout: 3000,
  probe_interval: 2000,
  job,
});
parjob.on('section_finished', ({ id, host }) => console.log(`finished ${id} ${host}`));
const { done } = await parjob.run();
console.log(`all ${done.length}`);
