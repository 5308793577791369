/** Plays many schedules; of one that fails, prints the seed, the fewest happenings that it takes, and all that was said. */
import { type Plan, type PlanKind, plan_of } from './plan.js';
import { World } from './world.js';

/** Lines of the story that are printed. */
const STORY_LINES = 150;

/** Plays the schedules of the seeds `from` up to, not including, `to`. @throws Error that tells the story */
export function play_schedules(kind: PlanKind, from: number, to: number): void {
  for (let seed = from; seed < to; seed++) {
    const plan = plan_of(seed, kind);
    if (failure_of(plan) !== undefined) throw new Error(report_of(shrink(plan)));
  }
}

/** What the scheduler does wrong in a schedule, if it does. */
export function failure_of(plan: Plan, watch?: (line: string) => void): Error | undefined {
  try {
    new World(plan, watch).play();
    return undefined;
  } catch (error) {
    return error as Error;
  }
}

/** Leaves out happenings, many at a time and then fewer, as long as the schedule fails. */
export function shrink(plan: Plan): Plan {
  let { happenings } = plan;
  for (let size = happenings.length; size >= 1; size = Math.floor(size / 2)) {
    for (let start = 0; start < happenings.length; ) {
      const fewer = happenings.toSpliced(start, size);
      if (failure_of({ ...plan, happenings: fewer }) === undefined) start += size;
      else happenings = fewer;
    }
  }
  return { ...plan, happenings };
}

function report_of(plan: Plan): string {
  const story: string[] = [];
  const failure = failure_of(plan, (line) => story.push(line));
  const shown = story.length > STORY_LINES ? ['...', ...story.slice(-STORY_LINES)] : story;
  return [
    `seed ${plan.seed}: ${failure?.message}`,
    `options ${JSON.stringify(plan.options)}, ${plan.hosts} hosts`,
    ...plan.happenings.map((happening) => `    ${JSON.stringify(happening)}`),
    ...shown,
  ].join('\n');
}
