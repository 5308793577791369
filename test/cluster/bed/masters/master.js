/**
 * A master that a test starts on a host of a bed. What it is to do comes as JSON on its command line, see Order in
 * master_run.ts; what happens goes to stdout line by line: `connected NAME`, `lost NAME KIND TEXT`, `done INDEX HOST`,
 * `failed INDEX TEXT`, `end JSON` when the run is over, and `stopped` when its slaves are.
 */
import {
  Job,
  local_slaves,
  mpi_slaves,
  SgePeJob,
  SgeQsubJob,
  SgeQsubSlave,
  SlurmJob,
  SshSlave,
  sge_qsub_slaves,
  slurm_allocation_slaves,
  slurm_slaves,
  ssh_slaves,
  tasks_from,
} from 'parjob';

const jobs = { Job, SgePeJob, SgeQsubJob, SlurmJob };
const classes = { SgeQsubSlave, SshSlave };
const functions = {
  local_slaves,
  mpi_slaves,
  sge_qsub_slaves,
  slurm_allocation_slaves,
  slurm_slaves,
  ssh_slaves,
};

const { slaves, job, tasks, job_options, throw_after, hold } = JSON.parse(process.argv[2]);
const [job_class, ...job_words] = job;
const work = tasks_from(new URL('./tasks.js', import.meta.url));

const master = new jobs[job_class](...job_words, [], { jobname: 'bed', ...job_options });
for (const [make, ...words] of slaves) {
  const made = make in classes ? [new classes[make](...words)] : functions[make](...words);
  master.push(...made);
}
master.on('slave_connected', ({ slave }) => console.log(`connected ${slave}`));
master.on('slave_lost', ({ slave, why, error }) => console.log(`lost ${slave} ${why} ${error.message}`));
master.on('slave_dead', ({ slave, error }) => console.log(`dead ${slave} ${error.message}`));

for (const [name, ...words] of tasks) master.queue_task(work[name](...words));
const results = [];
let largest = 0;
let count = 0;
for await (const outcome of master.yield_tasks_unordered({ settle: true })) {
  if (outcome.status === 'fulfilled') {
    results[outcome.index] = outcome.value;
    console.log(`done ${outcome.index} ${outcome.value.host}`);
  } else {
    console.log(`failed ${outcome.index} ${outcome.reason.message}`);
  }
  largest = Math.max(largest, master.length);
  count += 1;
  if (count === throw_after) {
    setTimeout(() => {
      throw new Error('nobody catches this');
    }, 0);
  }
}
console.log(`end ${JSON.stringify({ results, failures: master.failures, largest })}`);
if (hold) await new Promise((resolve) => setTimeout(resolve, hold));
await master.stop();
console.log('stopped');
