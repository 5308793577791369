/**
 * The table of sums: what a slot has added up of the outputs of its sections, one file for each output that is copied.
 *
 *     output of the first section ─▶ sum, as it is
 *     sum + output of the next    ─▶ a new file ─▶ written down here: the new sum counts, the old one and the output are removed
 *
 * A section is in a sum from the line on that says so, all of its outputs at once, and never in two: what is added
 * before that line, by a slave that is lost or for a master that dies, is a file that nobody knows of. The line of the
 * section comes first, with the number that the sum will have with it; the line of the sum, with that number, makes it true.
 */
import type { StatusFile } from './status_file.js';

/** A file of a sum. */
export interface SumFile {
  /** Key of the output. */
  file: string;
  path: string;
  size: number;
  sha256: string;
  /** Its elements are wide: see wide_sum.ts. */
  is_wide: boolean;
}

export interface Sum {
  readonly id: string;
  host: string;
  /** Sections that are in it. */
  count: number;
  files: readonly SumFile[];
}

/** Files of a sum with one section more. */
export interface Addition {
  slot: number;
  host: string;
  section: string;
  attempt: number;
  /** The sum that it was made of; undefined: it is the first. */
  sum: Sum | undefined;
  files: readonly SumFile[];
}

export class SumsTable {
  readonly #status: StatusFile;
  readonly #sums = new Map<string, Sum>();
  /** The sum that each slot adds to. */
  readonly #open = new Map<number, Sum>();
  /** Of one section each, since more cannot be added up where they are. */
  readonly #can_add: boolean;

  constructor(status: StatusFile, can_add: boolean) {
    this.#status = status;
    this.#can_add = can_add;
    for (const [id, fields] of status.records.get('sum') ?? [])
      this.#sums.set(id, { ...fields, id } as unknown as Sum);
  }

  get(id: string): Sum | undefined {
    return this.#sums.get(id);
  }

  [Symbol.iterator](): IterableIterator<Sum> {
    return this.#sums.values();
  }

  /** What the next section of a slot is added to, if there is something. */
  open_of(slot: number, host: string): Sum | undefined {
    const sum = this.#open.get(slot);
    return sum?.host === host && this.#can_add ? sum : undefined;
  }

  /** Nothing more is added to it. */
  close(id: string): void {
    for (const [slot, sum] of this.#open) if (sum.id === id) this.#open.delete(slot);
  }

  /** From here on the section is in the sum. @returns its id; undefined when the sum is not what it was, and the section not in it */
  commit({ slot, host, section, attempt, sum, files }: Addition): string | undefined {
    if (sum !== undefined && this.#open.get(slot) !== sum) return undefined;
    const id = sum?.id ?? `${host}/${section}.${attempt}`;
    const count = (sum?.count ?? 0) + 1;
    this.#status.write('section', section, { sum: id, sum_count: count });
    this.#status.write('sum', id, { host, count, files });
    const next: Sum = { id, host, count, files };
    this.#sums.set(id, next);
    this.#open.set(slot, next);
    return id;
  }

  /** What is in it does not count any more. */
  drop(id: string): void {
    this.close(id);
    if (this.#sums.delete(id)) this.#status.write('sum', id, { gone: true });
  }

  /** Sections that the status file has in each sum: all that were added to it, or else the sum is of no use. */
  members(): Map<string, string[]> {
    const members = new Map<string, string[]>([...this.#sums.keys()].map((id) => [id, []]));
    for (const [section, fields] of this.#status.records.get('section') ?? []) {
      const { sum: id, sum_count = 0 } = fields as { sum?: string; sum_count?: number };
      const sum = id === undefined ? undefined : this.#sums.get(id);
      if (sum !== undefined && sum_count <= sum.count) members.get(sum.id)?.push(section);
    }
    for (const [id, sections] of members)
      if (sections.length !== this.#sums.get(id)?.count) members.delete(id);
    return members;
  }
}
