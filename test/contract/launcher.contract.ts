/**
 * What every Launcher promises. Run over each of them against the fakes of test/fake, and, where they are,
 * against the real things. No slave is needed: a stand-in for node notes how it was run, and ends as it is told.
 */
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { LaunchCause } from '../../src/errors.js';
import { SLAVE_SCRIPT } from '../../src/launch/command.js';
import type { LaunchedProcess, Launcher, LaunchOrder, ProcessEnd } from '../../src/launch/launcher.js';
import { is_alive, wait_gone } from '../kit/processes.js';
import { wait_until } from '../kit/wait_until.js';

/** All that a path may hold, and shells care for. */
const NASTY = 'it\'s a "dir" $HOME `id` \\ \n*;&(x)';
const NO_END: ProcessEnd = { exit_code: undefined, signal: undefined, error: undefined };
const SECRET = 'f00d'.repeat(16);
/** Of a batch system's answers, which are asked for now and then. */
const LONG = 10_000;

/** What is particular to the surroundings of a launcher. */
export interface Ground {
  launcher: Launcher;
  /** Nothing more is started until `release`. Left out where there is no queue. */
  hold?(reason: string): void;
  release?(): void;
  /** Every command that was run, with its words and its stdin, as one text. */
  said?(): string;
  /** How often that program was run. */
  count?(program: string): number;
  /** Makes the program that starts them fail so. */
  refuse?(text: string): void;
  /** Has it answer what makes no sense. */
  babble?(): void;
  /** Everything is gone. */
  stop(): Promise<void>;
}

export interface Traits {
  /** Starts many by one command. */
  starts_many: boolean;
  /** Where the secret goes. */
  secret: 'env' | 'stdin' | 'file';
  /** The exit code of a slave's process is known. */
  tells_exit_code: boolean;
  /** Ends a process when it is killed, only when all are, or not: then it finds out by itself that its master is gone. */
  kills: 'one' | 'all' | 'none';
  /** The programs that submit, ask and cancel. */
  programs?: { submit: string; status: string; cancel: string };
}

/** How one stand-in was run. */
interface Seen {
  pid: number;
  cwd: string;
  words: string[];
  first_line: string;
  secret_in_env: string;
}

export function launcher_contract(name: string, traits: Traits, make: () => Ground | Promise<Ground>): void {
  describe(`the contract of a launcher, kept by ${name}`, () => {
    let ground: Ground;
    let root: string;
    let cwd: string;
    let before: string;
    const started: LaunchedProcess[] = [];

    beforeEach(async () => {
      root = mkdtempSync(join(tmpdir(), 'parjob-contract-'));
      cwd = join(root, NASTY);
      mkdirSync(cwd);
      before = process.cwd();
      process.chdir(cwd);
      write_stand_in(join(root, 'stand in'), root);
      writeFileSync(join(cwd, '.job.secret'), `${SECRET}\n`, { mode: 0o600 });
      ground = await make();
    });

    afterEach(async () => {
      for (const launched of started) launched.kill();
      if (traits.kills === 'none') let_end(0);
      // with the commands that started them
      await Promise.all(started.splice(0).map(({ ended }) => ended));
      process.chdir(before);
      await ground.stop();
      await wait_gone(seen().map(({ pid }) => pid)).finally(() =>
        rmSync(root, { recursive: true, force: true }),
      );
    });

    function orders(count: number, overrides: Partial<LaunchOrder> = {}): LaunchOrder[] {
      return Array.from({ length: count }, (_, i) => ({
        name: `my $job's.slave${i}`,
        jobname: "my $job's",
        slave_id: i,
        launch: 0,
        addresses: ['tls://head.cluster:4000', '[::1]:4000'],
        secret: SECRET,
        secret_file: () => join(cwd, '.job.secret'),
        log_file: join(cwd, `my $job's.slave${i}`),
        cwd,
        slave_command: [join(root, 'stand in')],
        ...overrides,
      }));
    }

    function start(...all: LaunchOrder[]): LaunchedProcess[] {
      const processes = ground.launcher.start(all) as LaunchedProcess[];
      started.push(...processes);
      return processes;
    }

    function seen(): Seen[] {
      const files = readdirSync(root).filter((file) => file.startsWith('seen.'));
      return files.map((file) => {
        const [pid, cwd = '', first_line = '', secret_in_env = '', ...words] = readFileSync(
          join(root, file),
          'utf8',
        ).split('\0');
        return { pid: Number(pid), cwd, first_line, secret_in_env, words: words.slice(0, -1) };
      });
    }

    async function seen_all(count: number): Promise<Seen[]> {
      await wait_until(() => seen().length >= count, `${count} slaves (there are ${seen().length})`, LONG);
      return seen();
    }

    /** They end by themselves, with that code. */
    const let_end = (exit_code: number) => writeFileSync(join(root, 'end'), String(exit_code));

    it('starts one, in the directory of the master, with what it must know', async () => {
      const [process] = start(...orders(1));
      const [one] = await seen_all(1);
      expect(one?.cwd).toBe(cwd);
      expect(one?.words.slice(0, 7)).toEqual([
        SLAVE_SCRIPT,
        '--name',
        "my $job's.slave0",
        '--id',
        '0',
        '--launch',
        '0',
      ]);
      expect(one?.words[one.words.indexOf('--connect') + 1]).toBe('tls://head.cluster:4000,[::1]:4000');
      await process?.accepted;
      expect(process?.command.length).toBeGreaterThan(1);
    });

    it('gives it the secret, and nobody else', async () => {
      const [process] = start(...orders(1));
      const [one] = await seen_all(1);
      expect(one?.secret_in_env).toBe(traits.secret === 'env' ? SECRET : '');
      if (traits.secret === 'stdin')
        expect(JSON.parse(one?.first_line ?? '')).toMatchObject({ secret: SECRET });
      if (traits.secret === 'file') expect(one?.words).toContain(join(cwd, '.job.secret'));
      const at_large = [
        ...(process?.command ?? []),
        ...(one?.words ?? []),
        ground.said?.() ?? '',
        command_lines(),
      ];
      expect(at_large.join('\n')).not.toContain(SECRET);
      for (const file of files_below(cwd).filter((path) => !path.endsWith('.job.secret')))
        expect(readFileSync(file, 'latin1')).not.toContain(SECRET);
    });

    it('has what it prints in its log', async () => {
      start(...orders(1));
      await seen_all(1);
      const log = join(cwd, "my $job's.slave0");
      await wait_until(
        () => existsSync(log) && readFileSync(log, 'utf8').includes('a word to the log'),
        'its log',
        LONG,
      );
      expect(readFileSync(log, 'utf8')).toContain('an error too');
    });

    it('goes on with the log of an earlier launch', async () => {
      const log = join(cwd, "my $job's.slave0");
      writeFileSync(log, 'of before\n');
      start(...orders(1, { launch: 1 }));
      await seen_all(1);
      await wait_until(() => readFileSync(log, 'utf8').includes('a word to the log'), 'its log', LONG);
      expect(readFileSync(log, 'utf8')).toMatch(/^of before\n/);
    });

    it('says when it is accepted and when it runs, in that order, and that it waits for nothing then', async () => {
      const [process] = start(...orders(1));
      await process?.accepted;
      await process?.started;
      expect(process?.waits_for).toBeUndefined();
    });

    it.skipIf(traits.kills === 'none')(
      'ends it, with all that it has started, when told to, and may be told twice',
      async () => {
        const [process] = start(...orders(1));
        const [one] = await seen_all(1);
        await process?.accepted;
        process?.kill();
        process?.kill();
        await process?.ended;
        await wait_gone([one?.pid ?? 0], LONG);
        process?.kill();
      },
    );

    it.skipIf(traits.kills === 'none')('ends it at once, if it is told so at once', async () => {
      const [process] = start(...orders(1));
      process?.kill();
      await process?.ended;
      await process?.accepted;
      await wait_gone(
        seen().map(({ pid }) => pid),
        LONG,
      );
      expect(process?.waits_for).toBeUndefined();
    });

    it('tells of its end, and how it ended', async () => {
      const [launched] = start(...orders(1));
      await seen_all(1);
      await launched?.started;
      let_end(37);
      launched?.look?.();
      const { exit_code, error, evicted } = (await launched?.ended) ?? NO_END;
      expect(error).toBeUndefined();
      expect(evicted).toBeUndefined();
      if (traits.tells_exit_code) expect(exit_code).toBe(37);
    });

    it('tells of the end of one that ends at once', async () => {
      let_end(38);
      const [launched] = start(...orders(1));
      const { exit_code, error } = (await launched?.ended) ?? NO_END;
      expect(error).toBeUndefined();
      if (traits.tells_exit_code) expect(exit_code).toBe(38);
    });

    describe.runIf(traits.starts_many)('many', () => {
      it('are started by one command, each with its name, its number and its log', async () => {
        const count = 5;
        const processes = start(...orders(count));
        expect(processes).toHaveLength(count);
        expect(new Set(processes.map(({ command }) => command.join(' '))).size).toBe(1);
        const all = await seen_all(count);
        const names = all.map(({ words }) => `${words[2]} ${words[4]}`).sort();
        expect(names).toEqual(Array.from({ length: count }, (_, i) => `my $job's.slave${i} ${i}`));
        const [program = ''] = processes[0]?.command ?? [];
        expect(ground.count?.(program) ?? 1).toBe(1);
        for (let i = 0; i < count; i++) expect(existsSync(join(cwd, `my $job's.slave${i}`))).toBe(true);
      });

      it('are asked after by one command, and cancelled by one', async () => {
        const { programs } = traits;
        if (programs === undefined || ground.count === undefined) return;
        const count = 5;
        const processes = start(...orders(count));
        await seen_all(count);
        await Promise.all(processes.map(({ started }) => started));
        expect(ground.count(programs.status)).toBeLessThan(count);
        for (const process of processes) process.kill();
        await Promise.all(processes.map(({ ended }) => ended));
        expect(ground.count(programs.cancel)).toBe(1);
        await wait_gone(
          seen().map(({ pid }) => pid),
          LONG,
        );
      });

      it.runIf(traits.kills === 'one')('live on when one of them is ended', async () => {
        const processes = start(...orders(3));
        const all = await seen_all(3);
        await Promise.all(processes.map(({ accepted }) => accepted));
        processes[1]?.kill();
        await processes[1]?.ended;
        const pid_of = (i: number) => all.find(({ words }) => words[4] === String(i))?.pid ?? 0;
        await wait_gone([pid_of(1)], LONG);
        expect([pid_of(0), pid_of(2)].map(is_alive)).toEqual([true, true]);
      });

      it.runIf(traits.kills === 'all')('end when all of them have been ended', async () => {
        const processes = start(...orders(3));
        const all = await seen_all(3);
        for (const process of processes) process.kill();
        await Promise.all(processes.map(({ ended }) => ended));
        await wait_gone(
          all.map(({ pid }) => pid),
          LONG,
        );
      });
    });

    describe.runIf(traits.programs !== undefined)('while it waits in the queue', () => {
      it('it is accepted and not started, and says what it waits for', async () => {
        ground.hold?.('Priority');
        const [process] = start(...orders(1));
        let has_started = false;
        void process?.started?.then(() => {
          has_started = true;
        });
        expect(process?.waits_for).toMatch(/^is being submitted to /);
        await process?.accepted;
        expect(process?.waits_for).toMatch(/^waits in the queue of .* as job \d+/);
        await wait_until(() => ground.count?.(traits.programs?.status ?? '') === 2, 'two questions', LONG);
        expect(has_started).toBe(false);
        expect(process?.waits_for).toMatch(/^waits in the queue of /);
        ground.release?.();
        await process?.started;
        expect(process?.waits_for).toBeUndefined();
        await seen_all(1);
      });

      it('it is cancelled there when it is told to end, and never runs', async () => {
        ground.hold?.('Priority');
        const [process] = start(...orders(1));
        await process?.accepted;
        process?.kill();
        expect((await process?.ended)?.error).toBeUndefined();
        ground.release?.();
        const [again] = start(...orders(1, { name: 'another' }));
        await again?.started;
        const all = await seen_all(1);
        expect(all.map(({ words }) => words[2])).toEqual(['another']);
      });

      it('a slave that connects has started, whatever the queue says', async () => {
        ground.hold?.('Priority');
        const [process] = start(...orders(1));
        await process?.accepted;
        process?.has_connected?.();
        await process?.started;
      });
    });

    it('says so when there is no such command', async () => {
      const path = process.env['PATH'];
      process.env['PATH'] = root;
      const [launched] = start(...orders(1, { slave_command: ['no-such-command'] }));
      const end = await launched?.ended;
      await launched?.accepted;
      process.env['PATH'] = path;
      const is_missing =
        end?.error?.code === 'ENOENT' || end?.exit_code === 127 || end?.reason?.cause === 'command_not_found';
      expect(is_missing, JSON.stringify(end)).toBe(true);
    });

    describe.runIf(traits.programs !== undefined)('when the batch system', () => {
      async function reason_of(
        process: LaunchedProcess | undefined,
      ): Promise<[LaunchCause | undefined, string]> {
        const { reason } = (await process?.ended) ?? {};
        await process?.accepted;
        return [reason?.cause, reason?.text ?? ''];
      }

      it('does not take it, it says what that said', async () => {
        ground.refuse?.('you have no account here');
        const [cause, text] = await reason_of(start(...orders(1))[0]);
        expect(cause).toBe('submit_refused');
        expect(text).toMatch(/was not submitted: \w+ ended with code 1 and said: you have no account here/);
      });

      it('answers what makes no sense, it says so', async () => {
        ground.babble?.();
        const [cause, text] = await reason_of(start(...orders(1))[0]);
        expect(cause).toBe('submit_unreadable');
        expect(text).toContain('answered no job id that parjob can read: good morning');
      });
    });
  });
}

/** In the place of node: notes how it was run, waits for `kill` on stdin or for the file `end`, and ends. */
function write_stand_in(path: string, folder: string): void {
  const place = `'${folder}'`;
  const lines = [
    '#!/bin/sh',
    'first=',
    // only where stdin is a pipe there is something to read
    'if [ -p /dev/stdin ] || [ -S /dev/stdin ]; then IFS= read -r first || :; fi',
    `printf '%s\\0' "$$" "$PWD" "$first" "$PARJOB_SECRET" "$@" > ${place}/tmp.$$`,
    'echo a word to the log; echo an error too >&2',
    `mv ${place}/tmp.$$ ${place}/seen.$$`,
    // what runs in the background has no stdin, but another descriptor
    'exec 3<&0',
    `if [ -n "$first" ]; then while IFS= read -r line <&3; do [ "$line" = kill ] && kill -9 $$; done & fi`,
    `while [ ! -f ${place}/end ]; do sleep 0.05; done`,
    `exit "$(cat ${place}/end)"`,
    '',
  ];
  writeFileSync(path, lines.join('\n'));
  chmodSync(path, 0o755);
}

/** Of all processes. */
function command_lines(): string {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'latin1');
      } catch {
        return '';
      }
    })
    .join('\n');
}

function files_below(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}
