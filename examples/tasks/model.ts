/** The task: it stands in a module of its own, which the slaves import. */
import { Task } from 'parjob';

export interface Model {
  seed: number;
  energy: number;
}

/** Looks for a minimum of a rugged function from a random start. */
export class BuildModel extends Task<[seed: number, steps: number], Model> {
  static override module = import.meta.url;

  override run(seed: number, steps: number): Model {
    let x = ((seed * 7919) % 1000) / 100 - 5;
    for (let step = 0; step < steps; step++) x -= 0.001 * slope(x);
    return { seed, energy: energy(x) };
  }
}

const energy = (x: number): number => x * x + 10 * Math.sin(x) * Math.sin(x);
const slope = (x: number): number => 2 * x + 20 * Math.sin(x) * Math.cos(x);
