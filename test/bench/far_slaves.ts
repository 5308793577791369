/**
 * Slaves behind a slow line: tasks of 10 ms on four slaves by ssh, on two hosts in network namespaces, without
 * delay and with 100 ms each way. Needs what the cluster tests need; without it, it says so.
 */
import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import type { Bed } from '../cluster/bed/bed.js';
import { ssh_bed } from '../cluster/bed/beds.js';
import { capabilities } from '../cluster/bed/components.js';
import { MasterRun, squares } from '../cluster/bed/master_run.js';
import type { Bench, Figure } from './figure.js';
import { Rounds } from './rounds.js';

const TASK_MS = 10;
const DELAY_MS = 100;
const [NEAR, FAR] = ['no delay', `${DELAY_MS} ms each way`];
const METRIC = 'tasks_per_s';
const HOSTS = ['node1', 'node2'];

export const far_slaves: Figure = {
  name: 'far_slaves',
  async run({ report, quick, has_parjob }: Bench): Promise<void> {
    if (!has_parjob) return;
    const { netns } = capabilities();
    if (!netns.here) {
      console.log(`far_slaves is not measured: ${netns.reason} (${netns.install})`);
      return;
    }
    const rounds = new Rounds();
    await using bed = await ssh_bed({ nodes: HOSTS.length });
    for (let round = 0; round < (quick ? 1 : 3); round++) {
      for (const [label, delay] of [
        [NEAR, 0],
        [FAR, DELAY_MS],
      ] as const) {
        for (const host of HOSTS) await bed.delay(host, delay);
        rounds.add(label, { [METRIC]: await measure_speed(bed, quick ? 500 : 6000) });
      }
    }
    report.add_results(this.name, rounds);
    const text = `${FAR} / ${NEAR}, tasks of ${TASK_MS} ms a second`;
    report.add_claim(this.name, rounds, {
      text,
      label: FAR,
      metric: METRIC,
      against: NEAR,
      goal: { at_least: 0.8 },
    });
  },
};

async function measure_speed(bed: Bed, tasks: number): Promise<number> {
  const slaves = [['ssh_slaves', HOSTS.map((host) => `${host}:2`)]] as const;
  const run = new MasterRun(bed, mkdtempSync(join(bed.folder, 'far-')), {
    slaves,
    tasks: squares(tasks, TASK_MS),
  });
  await run.told('connected', 4);
  const began = performance.now();
  await run.process.printed(/^end /m, 120_000);
  const seconds = (performance.now() - began) / 1000;
  await run.end();
  return tasks / seconds;
}
