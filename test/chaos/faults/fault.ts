/** Fault: one way in which things go wrong. */
import type { Random } from '../random.js';
import type { World } from '../world.js';

export interface Fault {
  readonly name: string;
  /** How often it strikes, beside the others. */
  readonly weight: number;
  /** Why it can never strike in this world, if so. */
  impossible(world: World): string | undefined;
  /** Strikes, and says what was done; undefined when there is nobody to strike just now. */
  strike(world: World, random: Random): string | undefined;
}

export function never(): undefined {
  return undefined;
}
