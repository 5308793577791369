/**
 * The plan of a run of sections: takes an event and returns orders, and does nothing else. It has no I/O and no
 * clock; section_run.ts carries its orders out.
 *
 *     todo ─▶ sent ─▶ running ─▶ finished ─▶ collected        back to todo: the program failed (charged), a file could
 *       ▲       └────────┴───────────┤                        not be moved, a slave or host was lost (not charged)
 *       └────────────────────────────┘        failed: its attempts are used up
 *
 * Sections are offered in their order. One that has failed on a host goes to another as long as there is one on
 * which it has not, or one may come; so what fails everywhere ends with its attempts, and nothing waits for ever.
 * Outputs are collected as sections finish, the first in order first; those that are added up on their slots as the
 * sums there are complete.
 */
import type { FailureKind, PlanEvent, PlanOrder, SectionSeed } from './plan_events.js';
import { PlannedSums } from './plan_sums.js';
import { PlannedSection, type PlannedSum } from './planned_section.js';
import { is_under_way, next_section_state, type SectionTransition } from './section_state.js';

/** Attempts of one section that may end with the loss of their slave before it is taken to be the cause. */
const MAX_LOSSES = 5;
/** Attempts of one section that may end since a file could not be moved. */
const MAX_TRANSFER_FAILURES = 5;
/** Times that the outputs of one section may be found damaged or gone. */
const MAX_REDOS = 5;

export interface PlanOptions {
  /** Failures of its program before a section fails. */
  attempts: number;
  /** Sections at once. */
  njobs: number;
  /** Run finished sections again whose outputs went with their host. */
  redo: boolean;
  /** Sections whose outputs are collected at once; 0 when none are: they stay finished. */
  collects: number;
  /** Outputs are added up on the slots, those of so many sections in one sum. @default 0, they are not */
  sections_in_sum?: number | undefined;
  /** There are outputs that are collected section by section. @default true */
  has_pieces?: boolean | undefined;
  /** There are outputs at all, which a host may take with it. */
  has_outputs: boolean;
  /** Share of the sections that may fail before the run is stopped: 0 at the first one, 1 never. */
  tolerated: number;
}

interface PlannedHost {
  name: string;
  is_good: boolean;
  is_benched: boolean;
  is_drained: boolean;
  is_gone: boolean;
  running: number;
  free: number[];
}

interface Slot {
  host: PlannedHost;
  section: PlannedSection | undefined;
}

export class Plan {
  readonly #options: PlanOptions;
  readonly #sections = new Map<string, PlannedSection>();
  readonly #ordered: readonly PlannedSection[];
  /** In the order of the sections, if is_todo_sorted. */
  readonly #todo = new Set<PlannedSection>();
  #is_todo_sorted = true;
  readonly #hosts = new Map<string, PlannedHost>();
  readonly #slots = new Map<number, Slot>();
  readonly #coming = new Set<number>();
  readonly #drained = new Set<string>();
  #running = 0;
  #failed = 0;
  /** Their outputs wait to be collected. */
  readonly #finished = new Set<PlannedSection>();
  /** No section before this place has pieces that wait, or may come. */
  #turn = 0;
  readonly #sums: PlannedSums;
  #collecting = 0;
  /** What is collected in its turn. */
  readonly #in_turn = new Set<PlannedSection>();
  #no_room: string | undefined;
  #has_no_more_hosts: string | undefined;
  #is_over = false;
  #orders: PlanOrder[] = [];

  /** @param seeds in the order in which sections are offered and collected */
  constructor(options: PlanOptions, seeds: readonly SectionSeed[]) {
    this.#options = options;
    this.#sums = new PlannedSums(options.sections_in_sum ?? 0, (sum) =>
      this.#orders.push({ kind: 'close_sum', sum }),
    );
    this.#ordered = seeds.map((seed, index) => new PlannedSection(seed, index));
    for (const section of this.#ordered) {
      if (is_under_way(section.state))
        throw new Error(`section ${section.id} is ${section.state} before the run`);
      this.#sections.set(section.id, section);
      this.#count(section, 1);
      if (section.state === 'todo') this.#todo.add(section);
      if (section.state === 'finished') this.#finished.add(section);
    }
    for (const [i, { sum }] of seeds.entries())
      if (sum !== undefined) this.#sums.join_left(sum.id, sum.host, this.#ordered[i] as PlannedSection);
    for (const section of this.#finished) section.has_pieces_in = !this.#has_pieces;
  }

  get #has_pieces(): boolean {
    return this.#options.has_pieces !== false;
  }

  get #has_sums(): boolean {
    return (this.#options.sections_in_sum ?? 0) > 0;
  }

  get sections(): readonly PlannedSection[] {
    return this.#ordered;
  }

  /** Sections whose outputs are in that sum. */
  members_of(sum: string): readonly PlannedSection[] {
    return this.#sums.get(sum)?.members ?? [];
  }

  /** Sections that have failed. */
  get failed_count(): number {
    return this.#failed;
  }

  get is_over(): boolean {
    return this.#is_over;
  }

  section(id: string): PlannedSection | undefined {
    return this.#sections.get(id);
  }

  handle(event: PlanEvent): readonly PlanOrder[] {
    this.#orders = [];
    if (this.#is_over) return this.#orders;
    this.#react(event);
    this.#conclude();
    return this.#orders;
  }

  /** Begins: a run in which nothing is left to do ends at once. */
  begin(): readonly PlanOrder[] {
    this.#orders = [];
    if (!this.#is_over) this.#conclude();
    return this.#orders;
  }

  /** Ends the run, whatever is left to do. */
  stop(text: string): readonly PlanOrder[] {
    this.#orders = [];
    if (!this.#is_over) this.#end(false, text);
    return this.#orders;
  }

  #react(event: PlanEvent): void {
    switch (event.kind) {
      case 'slot_coming':
        this.#coming.add(event.slot);
        this.#has_no_more_hosts = undefined;
        return;
      case 'slot_up':
        return this.#on_slot_up(event.slot, event.host);
      case 'slot_gone':
        this.#has_no_more_hosts = undefined;
        return this.#on_slot_gone(event.slot);
      case 'host_good':
        Object.assign(this.#host(event.host), { is_good: true, is_benched: false });
        this.#release_held(event.host);
        return;
      case 'host_benched':
        this.#has_no_more_hosts = undefined;
        Object.assign(this.#host(event.host), { is_good: false, is_benched: true });
        return;
      case 'host_gone':
        this.#has_no_more_hosts = undefined;
        return this.#on_host_gone(event.host);
      case 'host_drained':
        this.#drained.add(event.host);
        this.#host(event.host).is_drained = true;
        return;
      case 'host_released':
        this.#drained.delete(event.host);
        this.#host(event.host).is_drained = false;
        return;
      case 'section_started': {
        const section = this.#current(event.id, event.attempt);
        if (section?.state === 'sent') this.#move(section, 'start');
        return;
      }
      case 'section_finished': {
        const section = this.#current(event.id, event.attempt);
        if (section === undefined) return;
        const { slot, host = '' } = section;
        if (event.sum !== undefined && slot !== undefined) this.#sums.join(event.sum, host, slot, section);
        this.#leave_slot(section);
        section.error = undefined;
        section.has_pieces_in = !this.#has_pieces;
        this.#no_room = undefined;
        this.#move(section, 'finish');
        if (!this.#options.has_outputs) this.#move(section, 'collect');
        return;
      }
      case 'section_failed': {
        const section = this.#current(event.id, event.attempt);
        if (section !== undefined) this.#on_failed(section, event.why, event.text);
        return;
      }
      case 'section_collected': {
        const section = this.#sections.get(event.id);
        if (section?.is_being_collected !== true) return;
        this.#end_collecting(section);
        section.has_pieces_in = true;
        if (!this.#has_sums) this.#move(section, 'collect');
        // it was lost meanwhile, for the sake of another section
        else if (section.sum === undefined) this.#redo(section, 'the sum that it was in is lost');
        return;
      }
      case 'collect_failed': {
        const section = this.#sections.get(event.id);
        if (section?.is_being_collected !== true) return;
        this.#end_collecting(section);
        if (event.is_bad === true) this.#charge(section, event.text);
        else if (event.is_lost || this.#is_lost_with(section.host)) this.#redo(section, event.text);
        return;
      }
      case 'sum_collected': {
        const sum = this.#sums.end_collecting(event.sum);
        if (sum === undefined) return;
        this.#collecting--;
        this.#sums.remove(sum);
        for (const section of sum.members) this.#move(section, 'collect');
        return;
      }
      case 'sum_failed': {
        const sum = this.#sums.end_collecting(event.sum);
        if (sum === undefined) return;
        this.#collecting--;
        if (event.is_bad) this.#drop(sum, (section) => this.#charge(section, event.text));
        else if (event.is_lost || this.#is_lost_with(sum.host)) this.#drop_and_redo(sum, event.text);
        return;
      }
      case 'no_room':
        this.#no_room = event.text;
        return;
      case 'section_set':
        return this.#on_set(event.id, event.state);
      case 'no_more_hosts':
        this.#has_no_more_hosts = event.text;
        return;
      default:
        event satisfies never;
    }
  }

  // ---- slots and hosts

  #host(name: string): PlannedHost {
    let host = this.#hosts.get(name);
    if (host === undefined) {
      host = {
        name,
        is_good: false,
        is_benched: false,
        is_drained: this.#drained.has(name),
        is_gone: false,
        running: 0,
        free: [],
      };
      this.#hosts.set(name, host);
    }
    return host;
  }

  #on_slot_up(slot: number, name: string): void {
    this.#coming.delete(slot);
    this.#on_slot_gone(slot);
    const host = this.#host(name);
    host.is_gone = false;
    this.#slots.set(slot, { host, section: undefined });
    host.free.push(slot);
    this.#has_no_more_hosts = undefined;
  }

  #on_slot_gone(slot: number): void {
    this.#coming.delete(slot);
    const record = this.#slots.get(slot);
    if (record === undefined) return;
    const { section, host } = record;
    if (section !== undefined) this.#on_failed(section, 'lost', 'its slave was lost');
    this.#slots.delete(slot);
    host.free = host.free.filter((other) => other !== slot);
  }

  #on_host_gone(name: string): void {
    const host = this.#host(name);
    Object.assign(host, { is_good: false, is_benched: false, is_gone: true });
    for (const [slot, record] of this.#slots) if (record.host === host) this.#on_slot_gone(slot);
    this.#release_held(name);
    for (const section of this.#ordered) {
      if (section.host !== name || section.state !== 'finished') continue;
      // what is read from it will say whether it is lost
      if (section.is_being_collected || section.sum?.is_being_collected === true) continue;
      if (this.#options.redo) this.#redo(section, `host ${name} is gone, with its outputs`);
    }
  }

  #release_held(name: string): void {
    for (const section of this.#todo) if (section.held_by === name) section.held_by = undefined;
  }

  #leave_slot(section: PlannedSection): void {
    const { slot } = section;
    section.slot = undefined;
    this.#running--;
    const record = slot === undefined ? undefined : this.#slots.get(slot);
    if (slot === undefined || record === undefined) return;
    record.section = undefined;
    record.host.running--;
    record.host.free.push(slot);
  }

  // ---- sections

  /** The section, if that attempt is the one that is under way. What comes of an older one is not heard. */
  #current(id: string, attempt: number): PlannedSection | undefined {
    const section = this.#sections.get(id);
    if (section === undefined || section.attempt !== attempt || !is_under_way(section.state))
      return undefined;
    return section;
  }

  #move(section: PlannedSection, transition: SectionTransition): void {
    this.#count(section, -1);
    section.state = next_section_state(section.state, transition);
    this.#count(section, 1);
    this.#turn = Math.min(this.#turn, section.index);
    if (section.state === 'finished') this.#finished.add(section);
    else this.#finished.delete(section);
    if (section.state !== 'todo') this.#todo.delete(section);
    else if (!this.#todo.has(section)) {
      this.#todo.add(section);
      this.#is_todo_sorted = false;
    }
    this.#orders.push({ kind: 'note_section', id: section.id });
  }

  #count(section: PlannedSection, by: number): void {
    if (section.state === 'failed') this.#failed += by;
  }

  #on_failed(section: PlannedSection, why: FailureKind, text: string): void {
    const { host } = section;
    this.#leave_slot(section);
    section.error = text;
    if (why === 'program') {
      section.failures++;
      if (host !== undefined) section.failed_on.push(host);
    } else if (why === 'lost') section.losses++;
    else if (why === 'transfer') {
      section.transfer_failures++;
      if (host !== undefined) section.not_moved_to.push(host);
    }
    if (host !== undefined && (why === 'program' || why === 'transfer'))
      this.#orders.push({ kind: 'probe_host', host });
    const is_used_up =
      section.failures >= this.#options.attempts ||
      section.losses >= MAX_LOSSES ||
      section.transfer_failures >= MAX_TRANSFER_FAILURES;
    this.#move(section, is_used_up ? 'give_up' : 'back');
  }

  /** What was on that host is gone, and to be made again. */
  #is_lost_with(host: string | undefined): boolean {
    return this.#options.redo && host !== undefined && this.#hosts.get(host)?.is_gone === true;
  }

  /** It had finished, and its outputs are gone. */
  #redo(section: PlannedSection, text: string): void {
    section.redos++;
    section.error = text;
    this.#move(section, section.redos > MAX_REDOS ? 'give_up' : 'back');
    this.#leave_sum(section);
  }

  /** It had finished, and its outputs are of no use: its program failed after all. */
  #charge(section: PlannedSection, text: string): void {
    section.failures++;
    if (section.host !== undefined) section.failed_on.push(section.host);
    section.error = text;
    this.#move(section, section.failures >= this.#options.attempts ? 'give_up' : 'back');
    this.#leave_sum(section);
  }

  /** Nothing can be taken out of a sum: the others in it must be run again too. */
  #leave_sum({ sum, id }: PlannedSection): void {
    if (sum !== undefined) this.#drop_and_redo(sum, `section ${id} is run again, and was in one sum with it`);
  }

  #drop_and_redo(sum: PlannedSum, text: string): void {
    this.#drop(sum, (section) => this.#redo(section, text));
  }

  #drop(sum: PlannedSum, put_back: (section: PlannedSection) => void): void {
    this.#sums.remove(sum);
    this.#orders.push({ kind: 'drop_sum', sum: sum.id });
    // what is being collected is put back when that has ended
    for (const section of sum.members)
      if (section.state === 'finished' && !section.is_being_collected) put_back(section);
  }

  #on_set(id: string, state: 'todo' | 'failed'): void {
    const section = this.#sections.get(id);
    if (section === undefined || section.state === 'collected' || section.is_being_collected) return;
    if (section.sum?.is_being_collected === true) return;
    const { slot, host, attempt } = section;
    if (is_under_way(section.state) && slot !== undefined && host !== undefined) {
      this.#orders.push({
        kind: 'abort_section',
        id,
        attempt,
        slot,
        host,
        reason: `set to ${state} by hand`,
      });
      this.#leave_slot(section);
      this.#move(section, state === 'todo' ? 'back' : 'give_up');
    } else if (state === 'failed') {
      if (section.state !== 'failed') this.#move(section, 'give_up');
    } else this.#move(section, 'reset');
    this.#leave_sum(section);
    if (state === 'failed') {
      section.error = 'set to failed by hand';
      return;
    }
    const anew = { failures: 0, losses: 0, transfer_failures: 0, redos: 0, failed_on: [], not_moved_to: [] };
    Object.assign(section, anew);
  }

  // ---- after every event

  #conclude(): void {
    if (this.#is_hopeless()) return;
    this.#dispatch();
    this.#sums.complete((slot) => this.#will_add(slot));
    this.#collect_next();
    if (this.#running > 0 || this.#collecting > 0) return;
    const is_all_collected = this.#finished.size === 0 || this.#options.collects === 0;
    if (this.#todo.size === 0 && is_all_collected) return this.#end(true, undefined);
    if (this.#todo.size === 0 && this.#no_room !== undefined) return this.#end(false, this.#no_room);
    if (this.#has_no_more_hosts !== undefined && this.#coming.size === 0)
      this.#do_without(this.#has_no_more_hosts);
  }

  /** More have failed than may. */
  #is_hopeless(): boolean {
    if (this.#failed <= this.#options.tolerated * this.#ordered.length) return false;
    const first = this.#ordered.find(({ state }) => state === 'failed') as PlannedSection;
    // the error of the run has all of it, section by section
    const [error] = (first.error ?? 'no reason is known').split('\n', 1);
    this.#end(false, `section ${first.id} failed: ${error}`);
    return true;
  }

  /** Nothing runs, something is left, and no host will come that is not there. */
  #do_without(text: string): void {
    const good = [...this.#hosts.values()].filter((host) => host.is_good && host.free.length > 0);
    const usable = good.filter((host) => !host.is_drained);
    // who has drained it may release it
    if (usable.length === 0 && good.length > 0) return;
    if (usable.length === 0) return this.#end(false, `no host is left: ${text}`);
    let has_changed = false;
    for (const section of [...this.#todo]) {
      const { bound_to, held_by } = section;
      if (held_by !== undefined) {
        section.held_by = undefined;
        has_changed = true;
      } else if (bound_to !== undefined && !usable.some(({ name }) => name === bound_to)) {
        section.error = `it may run on host ${bound_to} only, which is not there`;
        this.#move(section, 'give_up');
        has_changed = true;
      }
    }
    if (has_changed) return this.#conclude();
    const [first] = this.#finished;
    if (this.#todo.size > 0 || first === undefined) return;
    const { id, host } = first;
    this.#end(false, `the outputs of section ${id} are on host ${host}, which is not there: ${text}`);
  }

  #end(is_complete: boolean, reason: string | undefined): void {
    for (const section of this.#ordered) {
      const { slot, host, id, attempt } = section;
      if (!is_under_way(section.state) || slot === undefined || host === undefined) continue;
      this.#orders.push({ kind: 'abort_section', id, attempt, slot, host, reason: 'the run ends' });
      this.#leave_slot(section);
      this.#move(section, 'back');
    }
    this.#is_over = true;
    this.#orders.push({ kind: 'end_run', outcome: { is_complete, reason } });
  }

  /** A slot may add to its sum yet. */
  #will_add(slot: number): boolean {
    const record = this.#slots.get(slot);
    return record !== undefined && (record.section !== undefined || this.#todo.size > 0);
  }

  #collect_next(): void {
    if (this.#no_room !== undefined) return;
    this.#collect_next_sum();
    while (this.#collecting < this.#options.collects) {
      const section = this.#next_to_collect();
      if (section?.host === undefined) return;
      section.is_being_collected = true;
      this.#collecting++;
      this.#orders.push({ kind: 'collect_section', id: section.id, host: section.host });
    }
  }

  /** The one whose turn it is. What comes before its turn is written twice, so others wait while there is such a one. */
  #next_to_collect(): PlannedSection | undefined {
    const first = this.#first_in_turn();
    if (first !== undefined && this.#can_collect(first)) {
      this.#in_turn.add(first);
      return first;
    }
    if (this.#in_turn.size > 0) return undefined;
    let least: PlannedSection | undefined;
    for (const section of this.#finished)
      if (section.index < (least?.index ?? Infinity) && this.#can_collect(section)) least = section;
    return least;
  }

  #first_in_turn(): PlannedSection | undefined {
    for (; ; this.#turn++) {
      const section = this.#ordered[this.#turn];
      if (section === undefined) return undefined;
      const { is_being_collected, has_pieces_in, state } = section;
      if (!is_being_collected && !has_pieces_in && state !== 'collected' && state !== 'failed')
        return section;
    }
  }

  #can_collect({ state, is_being_collected, has_pieces_in, host: name = '' }: PlannedSection): boolean {
    if (state !== 'finished' || is_being_collected || has_pieces_in) return false;
    const host = this.#hosts.get(name);
    return host !== undefined && this.#has_slots(host);
  }

  #collect_next_sum(): void {
    if (this.#collecting >= this.#options.collects) return;
    const sum = this.#sums.next((name) => {
      const host = this.#hosts.get(name);
      return host !== undefined && this.#has_slots(host);
    });
    if (sum === undefined) return;
    this.#sums.begin_collecting(sum);
    this.#collecting++;
    this.#orders.push({ kind: 'collect_sum', sum: sum.id, host: sum.host });
  }

  #end_collecting(section: PlannedSection): void {
    section.is_being_collected = false;
    this.#in_turn.delete(section);
    this.#turn = Math.min(this.#turn, section.index);
    this.#collecting--;
  }

  #dispatch(): void {
    while (this.#running < this.#options.njobs && this.#todo.size > 0) {
      const found = this.#next_match();
      if (found === undefined) return;
      this.#send(...found);
    }
  }

  /** The first section that a free slot may take; the least busy host is asked first. */
  #next_match(): [PlannedSection, PlannedHost] | undefined {
    const hosts = [...this.#hosts.values()]
      .filter((host) => host.is_good && !host.is_drained && host.free.length > 0)
      .toSorted((a, b) => a.running - b.running);
    if (hosts.length === 0) return undefined;
    for (const section of this.#todo_in_order()) {
      const willing = hosts.filter((host) => this.#may_run(section, host));
      // where its inputs are, unless it has failed there
      const former = section.was_in_vain_on(section.host ?? '') > 0 ? undefined : section.host;
      const host = willing.find(({ name }) => name === former) ?? willing[0];
      if (host !== undefined) return [section, host];
    }
    return undefined;
  }

  /** What was put back stands at the end of the set, and comes first in its order. */
  #todo_in_order(): Iterable<PlannedSection> {
    if (this.#is_todo_sorted) return this.#todo;
    const sorted = [...this.#todo].toSorted((a, b) => a.index - b.index);
    this.#todo.clear();
    for (const section of sorted) this.#todo.add(section);
    this.#is_todo_sorted = true;
    return this.#todo;
  }

  #may_run(section: PlannedSection, host: PlannedHost): boolean {
    const { bound_to, held_by } = section;
    if (held_by !== undefined) return false;
    if (bound_to !== undefined) return bound_to === host.name;
    const fewest = section.was_in_vain_on(host.name);
    if (fewest === 0) return true;
    // where it has failed it runs again only if it has failed everywhere, and then where it did so least
    if (this.#coming.size > 0) return false;
    for (const other of this.#hosts.values()) {
      if (!this.#has_slots(other) || other.is_drained || other.is_benched) continue;
      // it may be found to be good yet
      if (!other.is_good || section.was_in_vain_on(other.name) < fewest) return false;
    }
    return true;
  }

  #has_slots(host: PlannedHost): boolean {
    return host.free.length > 0 || host.running > 0;
  }

  #send(section: PlannedSection, host: PlannedHost): void {
    const slot = host.free.shift() as number;
    section.attempt++;
    section.slot = slot;
    section.host = host.name;
    (this.#slots.get(slot) as Slot).section = section;
    host.running++;
    this.#running++;
    this.#move(section, 'send');
    const { id, attempt } = section;
    this.#orders.push({ kind: 'run_section', id, attempt, slot, host: host.name });
  }
}
