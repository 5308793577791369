/**
 * Machine files: which hosts there are, and how many slots each has. One parser for what MPICH, Open MPI and
 * GNU parallel write:
 *
 *     node1               one slot; a host that is named again has one more
 *     node2:4             MPICH
 *     node3 slots=4       Open MPI
 *     4/node4             GNU parallel
 *     # a comment, also after a host
 */
import { UsageError } from '../errors.js';

export interface Machine {
  host: string;
  slots: number;
}

const HOST = /^(?:\w[\w.-]*@)?(?:\w[\w.-]*|\[[0-9a-fA-F:]+\])$/;
/** Words of Open MPI and MPICH that say nothing to us. */
const IGNORED = /^(max[-_]slots|ifhn|binding|user)=\S+$/;
const MOST_SLOTS = 100_000;
/** Characters of a line that an error shows. */
const MOST_SHOWN = 80;

/**
 * @param text lines of a machine file
 * @param file its name, for errors
 * @throws UsageError (PARJOB_ERR_USAGE) with the number of the line
 */
export function parse_machine_file(text: string, file: string): Machine[] {
  const slots = new Map<string, number>();
  text.split(/\r?\n/).forEach((line, i) => {
    const words = line.replace(/#.*/, '').trim().split(/\s+/);
    const [first = '', ...rest] = words;
    if (first === '') return;
    const refuse = (what: string): never => {
      throw new UsageError(
        `${file}, line ${i + 1}: ${what}; a line is 'host', 'host:4', 'host slots=4' or '4/host', got ${quoted(line.trim())}`,
      );
    };
    const [host, count] = read_host(first, rest, refuse);
    slots.set(host, (slots.get(host) ?? 0) + count);
  });
  return [...slots].map(([host, count]) => ({ host, slots: count }));
}

function read_host(
  first: string,
  rest: readonly string[],
  refuse: (what: string) => never,
): [string, number] {
  const [, front, , name = first, back] = /^(?:(\d+)\/)?((.*?)(?::(\d+))?)$/.exec(first) ?? [];
  let count = front ?? back;
  if (front !== undefined && back !== undefined) refuse('the slots are given twice');
  for (const word of rest) {
    const [, slots] = /^slots=(\d+)$/.exec(word) ?? [];
    if (slots === undefined && !IGNORED.test(word)) refuse(`the word ${quoted(word)} is not understood`);
    if (slots !== undefined && count !== undefined) refuse('the slots are given twice');
    count ??= slots;
  }
  // GNU parallel's name for this machine
  const host = name === ':' ? 'localhost' : name.replace(/^\[(.*)\]$/, '$1');
  if (!HOST.test(name) && host !== 'localhost') refuse(`${quoted(name)} is no name or address of a host`);
  const slots = Number(count ?? 1);
  if (slots > MOST_SLOTS) refuse(`${count} slots are too many`);
  return [host, slots];
}

/** Whether a host of a machine file is this machine. */
export function is_local_host(host: string): boolean {
  return host === 'localhost' || host === '127.0.0.1' || host === '::1';
}

/**
 * The file that Grid Engine names in PE_HOSTFILE: `node1 2 all.q@node1 UNDEFINED`, host and slots first.
 * @throws UsageError (PARJOB_ERR_USAGE) with the number of the line
 */
export function parse_pe_hostfile(text: string, file: string): Machine[] {
  const machines: Machine[] = [];
  text.split(/\r?\n/).forEach((line, i) => {
    const [host = '', count = ''] = line.trim().split(/\s+/);
    if (host === '') return;
    if (!/^[1-9]\d*$/.test(count)) {
      throw new UsageError(
        `${file}, line ${i + 1}: expected a host and its slots, as Grid Engine writes them, got ${quoted(line)}`,
      );
    }
    machines.push({ host, slots: Number(count) });
  });
  return machines;
}

/** The beginning of a text: what is given may be no machine file at all. */
function quoted(text: string): string {
  return JSON.stringify(text.length > MOST_SHOWN ? `${text.slice(0, MOST_SHOWN)}...` : text);
}
