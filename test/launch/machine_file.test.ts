import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { UsageError } from '../../src/errors.js';
import {
  is_local_host,
  type Machine,
  parse_machine_file,
  parse_pe_hostfile,
} from '../../src/launch/machine_file.js';

/** `node1:4` for each. */
function brief(machines: readonly Machine[]): string[] {
  return machines.map(({ host, slots }) => `${host}:${slots}`);
}

describe('a machine file', () => {
  it('shows no more than the beginning of what it does not understand', () => {
    const read = () => parse_machine_file('?'.repeat(1e6), 'mfile');
    expect(read).toThrow(/^mfile, line 1: .{0,400}$/);
  });

  it.each([
    ['names alone', 'node1\nnode2\n', ['node1:1', 'node2:1']],
    ['a host that is named again', 'node1\nnode2\nnode1\n', ['node1:2', 'node2:1']],
    ['MPICH', '# mpich\nnode1:4\nnode2:2 # fast\n', ['node1:4', 'node2:2']],
    ['MPICH with what says nothing to us', 'node1:4 ifhn=ib0 binding=user:0,1\n', ['node1:4']],
    [
      'Open MPI',
      'node1 slots=4 max_slots=8\nnode2 slots=2 max-slots=2\nnode3\n',
      ['node1:4', 'node2:2', 'node3:1'],
    ],
    ['GNU parallel', '4/node1\n8/user@node2\n2/:\n', ['node1:4', 'user@node2:8', 'localhost:2']],
    ['all of them in one', '4/node1\nnode1:2\nnode1 slots=1\n', ['node1:7']],
    [
      'full names and addresses',
      'n1.cluster.org:2\n10.0.0.7:3\n[fe80::1]:2\n[::1]\n',
      ['n1.cluster.org:2', '10.0.0.7:3', 'fe80::1:2', '::1:1'],
    ],
    [
      'empty lines, tabs, and ends of lines of Windows',
      '\r\n  node1\tslots=2\r\n\r\n\tnode2 \r\n',
      ['node1:2', 'node2:1'],
    ],
    ['a host without slots', 'node1:0\nnode2 slots=0\nnode3\n', ['node1:0', 'node2:0', 'node3:1']],
    ['nothing', '\n# nobody\n', []],
  ])('is understood: %s', (_what, text, machines) => {
    expect(brief(parse_machine_file(text, 'mfile'))).toEqual(machines);
  });

  it.each([
    ['a word that means nothing', 'node1 cores=4', /the word "cores=4" is not understood/],
    ['two names in a line', 'node1 node2', /the word "node2" is not understood/],
    ['slots that are no number', 'node1:many', /no name or address of a host/],
    ['slots that are below zero', 'node1:-1', /no name or address of a host/],
    ['slots given twice', '4/node1:2', /the slots are given twice/],
    ['slots given twice', 'node1:2 slots=4', /the slots are given twice/],
    ['slots given three times', 'node1 slots=2 slots=4', /the slots are given twice/],
    ['what ssh would take for an option', '-oProxyCommand=id', /no name or address of a host/],
    ['what a shell would run', 'node1;id', /no name or address of a host/],
    ['far too many slots', 'node1:1000000', /1000000 slots are too many/],
  ])('is refused with the number of the line: %s', (_what, line, what) => {
    const read = () => parse_machine_file(`# first\n\n${line}  # here\nnode9\n`, '/home/me/mfile');
    expect(read).toThrow(UsageError);
    expect(read).toThrow(what);
    expect(read).toThrow(
      /^\/home\/me\/mfile, line 3: .*a line is 'host', 'host:4', 'host slots=4' or '4\/host', got /,
    );
  });

  it('gives each host its slots, in the order of first mention, whichever way they are written', () => {
    const line = fc.record({
      host: fc.constantFrom('a', 'b-1', 'c.d', '10.1.2.3'),
      slots: fc.nat(20),
      form: fc.nat(2),
    });
    fc.assert(
      fc.property(fc.array(line), (lines) => {
        const text = lines.map(
          ({ host, slots, form }) => [`${host}:${slots}`, `${host} slots=${slots}`, `${slots}/${host}`][form],
        );
        const wanted = new Map<string, number>();
        for (const { host, slots } of lines) wanted.set(host, (wanted.get(host) ?? 0) + slots);
        expect(parse_machine_file(text.join('\n'), 'f')).toEqual(
          [...wanted].map(([host, slots]) => ({ host, slots })),
        );
      }),
    );
  });

  it('never throws anything but a UsageError', () => {
    const bit = fc.oneof(
      fc.constantFrom('node1', ':', '/', 'slots=', '4', ' ', '#', '\n', '[', ']', '@', '::1'),
      fc.string(),
    );
    fc.assert(
      fc.property(fc.array(bit), (bits) => {
        try {
          for (const { host, slots } of parse_machine_file(bits.join(''), 'f')) {
            expect(host).not.toMatch(/^-|[\s'"$`;]/);
            expect(slots).toBeGreaterThanOrEqual(0);
          }
        } catch (error) {
          expect(error).toBeInstanceOf(UsageError);
        }
      }),
    );
  });
});

describe('localhost', () => {
  it.each(['localhost', '127.0.0.1', '::1'])('is this machine: %s', (host) => {
    expect(is_local_host(host)).toBe(true);
  });
  it.each(['node1', 'localhost.cluster', '10.0.0.1'])('is not: %s', (host) => {
    expect(is_local_host(host)).toBe(false);
  });
});

describe('the file that Grid Engine names in PE_HOSTFILE', () => {
  it('gives hosts and slots', () => {
    const text =
      'compute-0-1.local 2 all.q@compute-0-1.local UNDEFINED\ncompute-0-2.local 1 all.q@compute-0-2.local <NULL>\n';
    expect(parse_pe_hostfile(text, 'pe')).toEqual([
      { host: 'compute-0-1.local', slots: 2 },
      { host: 'compute-0-2.local', slots: 1 },
    ]);
  });

  it('may be what MODELLER reads too: a host in several queues', () => {
    expect(brief(parse_pe_hostfile('n1 1 a.q@n1 x\nn1 3 b.q@n1 x\n', 'pe'))).toEqual(['n1:1', 'n1:3']);
  });

  it.each(['n1', 'n1 two all.q', 'n1 0 all.q', 'n1 -1 all.q', 'n1 1.5 q'])(
    'is refused with the line: %s',
    (line) => {
      const read = () => parse_pe_hostfile(`n0 1 q U\n${line}\n`, '/spool/pe_hostfile');
      expect(read).toThrow(UsageError);
      expect(read).toThrow(
        '/spool/pe_hostfile, line 2: expected a host and its slots, as Grid Engine writes them, got ',
      );
    },
  );
});
