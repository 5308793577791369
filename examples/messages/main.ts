/**
 * Messages between master and slaves, as in MODELLER's manual: `npx tsx examples/messages/main.ts`
 *
 * A command is sent to each slave as text or as a function; what it is sent it takes by get_data.
 */
import { Job, local_slaves } from 'parjob';

await using job = new Job(local_slaves(2));
await job.start();

for (const slave of job) {
  await slave.run_cmd('const n = await master.get_data(); await master.send_data(n * 2)');
  await slave.send_data(21);
  console.log(`${slave} says ${await slave.get_data<number>()}`);
}

// names that are assigned without a declaration stay on the slave
await Promise.all(job.map((slave, i) => slave.run_cmd('rank = args[0]', i)));

// a function in the place of the text: it gets master, then the arguments
for (const slave of job) {
  await slave.run_cmd(async (master, greeting) => {
    await master.send_data(`${greeting} from process ${process.pid}`);
  }, 'hello');
  console.log(await slave.get_data());
}
