/** Ping-pong of 64 bytes: a message to a slave and the same back, by send_data and get_data. */
import { load_contender } from './contenders/contender.js';
import type { Bench, Figure } from './figure.js';
import type { Entry } from './rounds.js';
import { type RunSlice, run_slices } from './slices.js';

/** Round trips of a slice; the first ones after a wait are slower and not counted. */
const TRIPS = 100;
const UNCOUNTED_TRIPS = 10;
const FRAMES = 'frames';
const OTHERS = ['ipc:advanced'];
const MESSAGE_BYTES = 64;

export const messages: Figure = {
  name: 'messages',
  async run({ build, report, quick, has_parjob }: Bench): Promise<void> {
    const contenders = [FRAMES, ...(has_parjob ? ['parjob'] : []), ...OTHERS];
    const entries: Entry[] = contenders.map((contender) => ({ contender }));
    const plan = quick ? { generations: 1, rounds: 1, slices: 5 } : { generations: 3, rounds: 5, slices: 20 };
    const rounds = await run_slices(build, 'messages', entries, plan);
    report.add_results(this.name, rounds);

    const metric = 'p50_us';
    for (const label of OTHERS) {
      report.add_claim(this.name, rounds, {
        text: `${label} / bare frames, ${metric}`,
        label,
        metric,
        against: FRAMES,
      });
    }
    report.add_claim(this.name, rounds, {
      text: `parjob send_data, get_data / bare frames, ${metric}`,
      label: 'parjob',
      metric,
      against: FRAMES,
      goal: { at_most: 1.3 },
    });
  },
};

export async function prepare(entry: Entry): Promise<RunSlice> {
  const contender = await load_contender(entry.contender);
  await contender.start(1);
  const message = new Uint8Array(MESSAGE_BYTES).fill(7);
  const ping = async (): Promise<void> => {
    const reply = await contender.ping!(message);
    if (reply.length !== MESSAGE_BYTES || reply[MESSAGE_BYTES - 1] !== 7)
      throw new Error('a message was changed');
  };
  for (let i = 0; i < 2_000; i++) await ping();
  return async () => {
    const times: number[] = [];
    for (let i = 0; i < UNCOUNTED_TRIPS + TRIPS; i++) {
      const start = performance.now();
      await ping();
      times.push((performance.now() - start) * 1000);
    }
    return times.slice(UNCOUNTED_TRIPS);
  };
}
