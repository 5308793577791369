/**
 * The sums of a plan. A slot adds up what its sections give, and such a sum is collected as one piece: so it stands or
 * falls with all of them. It is complete when it has as many sections as it may, or when nothing more will come to it.
 */
import { type PlannedSection, PlannedSum } from './planned_section.js';

export class PlannedSums {
  /** Sections that a sum may have. */
  readonly #most: number;
  readonly #on_complete: (sum: string) => void;
  readonly #by_id = new Map<string, PlannedSum>();
  /** The one that each slot adds to. */
  readonly #open = new Map<number, PlannedSum>();
  readonly #complete = new Set<PlannedSum>();
  #collecting: PlannedSum | undefined;

  constructor(most: number, on_complete: (sum: string) => void) {
    this.#most = most;
    this.#on_complete = on_complete;
  }

  get(id: string): PlannedSum | undefined {
    return this.#by_id.get(id);
  }

  /** A section is in a sum that an earlier master has left, and to which nobody adds. */
  join_left(id: string, host: string, section: PlannedSection): void {
    const sum = this.#of(id, host);
    this.#complete.add(sum);
    this.#add(sum, section);
  }

  /** The outputs of a section of that slot are in that sum now. */
  join(id: string, host: string, slot: number, section: PlannedSection): void {
    const sum = this.#of(id, host);
    if (this.#open.get(slot) !== sum) this.#close(slot);
    this.#open.set(slot, sum);
    this.#add(sum, section);
    if (sum.members.length >= this.#most) this.#close(slot);
  }

  #of(id: string, host: string): PlannedSum {
    let sum = this.#by_id.get(id);
    if (sum === undefined) this.#by_id.set(id, (sum = new PlannedSum(id, host)));
    return sum;
  }

  #add(sum: PlannedSum, section: PlannedSection): void {
    sum.members.push(section);
    section.sum = sum;
  }

  #close(slot: number): void {
    const sum = this.#open.get(slot);
    if (sum === undefined) return;
    this.#open.delete(slot);
    this.#complete.add(sum);
    this.#on_complete(sum.id);
  }

  /** Completes the sums of slots from which nothing will come. */
  complete(will_add: (slot: number) => boolean): void {
    for (const slot of this.#open.keys()) if (!will_add(slot)) this.#close(slot);
  }

  /** The next one to collect: one at a time, from a host that is there, when its sections have nothing else to collect. */
  next(is_there: (host: string) => boolean): PlannedSum | undefined {
    if (this.#collecting !== undefined) return undefined;
    for (const sum of this.#complete)
      if (is_there(sum.host) && sum.members.every(({ has_pieces_in }) => has_pieces_in)) return sum;
    return undefined;
  }

  begin_collecting(sum: PlannedSum): void {
    sum.is_being_collected = true;
    this.#collecting = sum;
  }

  /** The one that was being collected, if it is that. */
  end_collecting(id: string): PlannedSum | undefined {
    const sum = this.#collecting;
    if (sum?.id !== id) return undefined;
    sum.is_being_collected = false;
    this.#collecting = undefined;
    return sum;
  }

  /** Its sections are in none any more. */
  remove(sum: PlannedSum): void {
    this.#by_id.delete(sum.id);
    this.#complete.delete(sum);
    for (const [slot, open] of this.#open) if (open === sum) this.#open.delete(slot);
    for (const section of sum.members) section.sum = undefined;
  }
}
