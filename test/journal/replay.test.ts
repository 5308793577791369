import { cpSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { StatusFileError } from '../../src/errors.js';
import { Journal } from '../../src/journal/journal.js';
import { MAX_LINE_BYTES } from '../../src/journal/line.js';
import { Replay } from '../../src/journal/replay.js';
import { any_steps, Model, picture_of, play, read_picture, temporary_folders } from './kit.js';
import { options_of, SMALL_LIMIT, task_of } from './options.js';

const new_folder = temporary_folders();

const HEADER =
  '{"parjob":"status","format":1,"jobname":"align","program":{},"run_id":"0123456789abcdef","created":"2026-01-01T00:00:00.000Z","folder":"align.status.d"}';
const FUNCTION = '{"kind":"function","fn":0,"name":"a.js#f"}';
const LATE = '{"kind":"progress","index":0,"at":9,"done":1}';
const DONE = '{"kind":"done","index":0,"key":"k","fn":0,"at":5,"slave":"s","run_ms":1,"value":7}';

/** A file of `lines`, each with its newline. */
function file_of(...lines: string[]): string {
  const file = join(new_folder(), 'align.status');
  writeFileSync(file, lines.map((line) => `${line}\n`).join(''));
  return file;
}

function error_of(file: string): StatusFileError {
  try {
    Replay.read(file)?.close();
  } catch (error) {
    expect(error).toBeInstanceOf(StatusFileError);
    return error as StatusFileError;
  }
  throw new Error('it was read');
}

describe('a status file that is read back', () => {
  it('says what was written', () => {
    const folder = new_folder();
    let runs = 0;
    fc.assert(
      fc.property(any_steps, (steps) => {
        const file = join(folder, `${runs++}.status`);
        const model = play(file, steps);
        expect(read_picture(file)).toEqual(model.picture());
      }),
      { numRuns: 100 },
    );
  });

  it('says what was written before it, wherever it is cut off', () => {
    const folder = new_folder();
    let runs = 0;
    fc.assert(
      fc.property(any_steps, (all_steps) => {
        const file = join(folder, `${runs++}.status`);
        const cut = join(folder, 'cut.status');
        const model = new Model();
        const pictures: { size: number; picture: unknown }[] = [];
        const journal = Journal.create(options_of(file, { inline_limit: SMALL_LIMIT }));
        const note = () => pictures.push({ size: readFileSync(file).length, picture: model.picture().tasks });
        note();
        for (const step of all_steps.slice(0, 8)) {
          // superseded checkpoints lose their files, which a file that was cut off before them would miss
          if (step.kind !== 'record' || step.record.kind === 'checkpoint') continue;
          journal.append(step.record);
          journal.commit();
          model.take(step.record);
          note();
        }
        journal.close();
        cpSync(file, cut);
        for (let size = readFileSync(file).length; size >= 0; size--) {
          truncateSync(cut, size);
          const before = pictures.findLast((snapshot) => snapshot.size <= size);
          const replay = Replay.read(cut);
          expect(replay && picture_of(replay).tasks).toEqual(before?.picture);
          expect(replay && replay.good_bytes + replay.torn_bytes).toBe(before && size);
          replay?.close();
        }
      }),
      { numRuns: 5 },
    );
  });

  it('may have many tasks', () => {
    const file = join(new_folder(), 'align.status');
    const journal = Journal.create(options_of(file));
    const run = { kind: 'done', attempt: 1, slave: 'align.slave0', run_ms: 1 } as const;
    for (let i = 0; i < 5000; i++) journal.append({ ...run, task: task_of(i), value: { json: i } });
    journal.close();
    const replay = Replay.read(file) as Replay;
    expect(replay.size).toBe(5000);
    expect(replay.summary.functions.get('other.js#score')).toBe(1667);
    for (const i of [4999, 0, 2048, 1023, 1024]) {
      expect(replay.get(task_of(i).key)).toMatchObject({ state: 'done', index: i, name: task_of(i).name });
      expect(replay.get(task_of(i).key)?.outcome()).toMatchObject({ value: { json: i } });
    }
    replay.close();
  });

  it('may hold lines with fields that are not known yet', () => {
    const file = file_of(HEADER, FUNCTION, DONE.replace('{', '{"colour":"red",'));
    expect(read_picture(file)?.tasks).toHaveLength(1);
  });

  it('tells how much of it is useless', () => {
    const start = [HEADER, FUNCTION];
    const progress = '{"kind":"progress","index":0,"key":"k","fn":0,"at":1,"done":1}';
    const late = '{"kind":"progress","index":0,"key":"k","fn":0,"at":1,"done":2}';
    const replay = Replay.read(file_of(...start, progress, progress, DONE, late)) as Replay;
    expect(replay.garbage_bytes).toBe(3 * (progress.length + 1));
    expect(replay.get('k')?.outcome()).toMatchObject({
      state: 'done',
      value: { json: 7 },
      at: Date.UTC(2026, 0) + 5,
    });
    replay.close();
  });

  it('tells of ends while it is read, of each task the one that counts last', () => {
    const again = '{"kind":"queued","index":0,"at":6}';
    const other = DONE.replace('"k"', '"other"').replace('"index":0', '"index":1');
    const failed =
      '{"kind":"failed","index":0,"at":8,"slave":"t","error":{"name":"Error","message":"bad luck"}}';
    const late = `${DONE.replace('"at":5', '"at":7')}`;
    const file = file_of(
      HEADER,
      FUNCTION,
      DONE,
      other,
      again.replace('"at"', '"key":"k","fn":0,"at"'),
      failed,
    );
    const heard: unknown[] = [];
    const replay = Replay.read(file, undefined, (entry, { kind, at }) => heard.push([entry, kind, at]));
    expect(heard).toEqual([
      [0, 'done', 5],
      [1, 'done', 5],
      [0, 'failed', 8],
    ]);
    expect([...(replay as Replay).tasks()].map(({ key, state }) => [key, state])).toEqual([
      ['k', 'failed'],
      ['other', 'done'],
    ]);
    replay?.close();
    // an end makes what its index stood for void, also the end of another task
    const bound = '{"kind":"progress","index":0,"key":"k","fn":0,"at":1,"done":1}';
    expect(error_of(file_of(HEADER, FUNCTION, bound, DONE, '{"kind":"queued","index":0,"at":6}')).line).toBe(
      5,
    );
    expect(Replay.read(file_of(HEADER, FUNCTION, DONE, late))?.garbage_bytes).toBe(DONE.length + 1);
  });

  it('keeps what it found, when the file is replaced or longer meanwhile', () => {
    const file = file_of(HEADER, FUNCTION, DONE);
    const replay = Replay.read(file) as Replay;
    rmSync(file);
    writeFileSync(file, 'something else');
    expect(replay.get('k')?.outcome()).toMatchObject({ value: { json: 7 } });
    replay.close();
  });
});

describe('a status file that is not read', () => {
  it.each([
    ['no JSON', '{"kind":"done",', /line 3 .*not JSON/],
    ['an empty line', '', /line 3 .*not JSON/],
    ['no object', '[1]', /line 3 .*not a JSON object/],
    ['of no kind', '{"kind":"nonsense"}', /its kind is "nonsense"/],
    ['of an inherited kind', '{"kind":"constructor"}', /its kind is "constructor"/],
    ['with a kind from a prototype', '{"__proto__":{"kind":"finished","at":1}}', /its kind is missing/],
    ['a task without a key', DONE.replace('"key":"k","fn":0,', ''), /no line before it says what task 0 is/],
    ['a task without a key after its end', `${DONE}\n${LATE}`, /no line before it says what task 0 is/, 4],
    ['half an identity', DONE.replace(',"fn":0', ''), /one of key and fn/],
    ['an unknown function', DONE.replace('"fn":0', '"fn":1'), /its fn is 1/],
    ['a function out of turn', '{"kind":"function","fn":2,"name":"x"}', /the next is 1/],
    ['a negative index', DONE.replace('"index":0', '"index":-1'), /its index must be a whole number/],
    ['an index that is too large', DONE.replace('"index":0', '"index":4294967296'), /its index must/],
    ['a time that is none', DONE.replace('"at":5', '"at":"5"'), /its at must be/],
    ['a slave that is none', DONE.replace('"s"', '3'), /its slave must be/],
    ['a time without end', DONE.replace('"run_ms":1', '"run_ms":1e999'), /its run_ms must be/],
    ['a __proto__ in a value', DONE.replace('7', '{"__proto__":{"x":1}}'), /its value must be/],
    [
      'a value that is too deep',
      DONE.replace('7', `${'['.repeat(9999)}${']'.repeat(9999)}`),
      /its value must be/,
    ],
    [
      'a file out of the folder',
      DONE.replace('"value":7', '"stored":{"encoding":"x","file":"../x","sha256":"00","parts":[]}'),
      /its stored must be/,
    ],
    ['a failure without error', DONE.replace('"done"', '"failed"'), /its error must be/],
    ['a line that is too long', DONE.replace('7', `"${'x'.repeat(MAX_LINE_BYTES)}"`), /line 3 .*longer than/],
  ] as [string, string, RegExp, number?][])('%s', (_what, line, text, number = 3) => {
    const file = file_of(HEADER, FUNCTION, line, DONE);
    const error = error_of(file);
    expect(error.message).toMatch(text);
    expect(error.message).toContain(file);
    expect(error.problem).toBe('damaged');
    expect(error.line).toBe(number);
    expect(error.code).toBe('PARJOB_ERR_STATUS_FILE');
  });

  it.each([
    ['text', 'hello', 'not_a_status_file'],
    ['JSON of another program', '{"version":3}', 'not_a_status_file'],
    ['a header without a name', HEADER.replace('"jobname":"align",', ''), 'not_a_status_file'],
    [
      'a header with a folder elsewhere',
      HEADER.replace('"align.status.d"', '"../../etc.d"'),
      'not_a_status_file',
    ],
    [
      'a header with odd facts',
      HEADER.replace('"program":{}', '"program":{"__proto__":{"a":1}}'),
      'not_a_status_file',
    ],
    [
      'a newer format',
      HEADER.replace('"format":1', '"format":2').replace('"program":{},', ''),
      'newer_format',
    ],
    ['no format', HEADER.replace('"format":1', '"format":"one"'), 'not_a_status_file'],
  ])('one that begins with %s', (_what, line, problem) => {
    const error = error_of(file_of(line, DONE));
    expect(error.problem).toBe(problem);
    expect(error.message.length).toBeLessThan(1000);
  });

  it('one that is not UTF-8, or no text at all', () => {
    const file = file_of(HEADER, FUNCTION);
    writeFileSync(file, Buffer.concat([readFileSync(file), Buffer.from([0x22, 0xff, 0xfe, 0x0a])]));
    expect(error_of(file)).toMatchObject({ problem: 'damaged', line: 3 });
    writeFileSync(file, Buffer.alloc(3 * MAX_LINE_BYTES));
    expect(error_of(file)).toMatchObject({ problem: 'damaged', line: 1 });
  });

  it('one that is no file, or not there', () => {
    const folder = new_folder();
    expect(error_of(folder).problem).toBe('not_a_status_file');
    expect(error_of(join(folder, 'nowhere')).problem).toBe('unreadable');
    expect(error_of('/dev/zero').problem).toBe('not_a_status_file');
  });

  it('one without a newline at all, however long', () => {
    const file = file_of(HEADER);
    writeFileSync(file, HEADER.slice(0, -1) + ' '.repeat(3 * MAX_LINE_BYTES));
    expect(error_of(file)).toMatchObject({ problem: 'damaged', line: 1 });
  });
});

describe('a status file that somebody has tampered with', () => {
  const any_change = fc.record({
    at: fc.nat(9999).map((n) => n / 10_000),
    remove: fc.oneof(fc.constant(1), fc.nat(30)),
    insert: fc.oneof(
      fc.constantFrom(...'0127az').map((text) => Buffer.from(text)),
      fc.uint8Array({ maxLength: 6 }),
      fc
        .constantFrom(
          '__proto__',
          '"',
          '}\n{',
          '\n',
          '-1',
          '1e999',
          'null',
          '"kind":"died",',
          '[[[[',
          '\\u0000',
        )
        .map((text) => Buffer.from(text)),
    ),
  });

  it('is read, or refused with our own error; nothing else happens', () => {
    const folder = new_folder();
    const prototype = Object.getOwnPropertyNames(Object.prototype);
    let runs = 0;
    let read = 0;
    fc.assert(
      fc.property(any_steps, fc.array(any_change, { minLength: 1, maxLength: 2 }), (steps, changes) => {
        const file = join(folder, `${runs++}.status`);
        play(file, steps);
        let bytes = readFileSync(file);
        for (const { at, remove, insert } of changes) {
          const start = Math.floor(at * bytes.length);
          bytes = Buffer.concat([bytes.subarray(0, start), insert, bytes.subarray(start + remove)]);
        }
        writeFileSync(file, bytes);
        let replay: Replay | undefined;
        try {
          replay = Replay.read(file);
          if (replay !== undefined) picture_of(replay);
          read++;
        } catch (error) {
          if (!(error instanceof StatusFileError)) throw error;
        } finally {
          replay?.close();
        }
        expect(Object.getOwnPropertyNames(Object.prototype)).toEqual(prototype);
      }),
      { numRuns: 200 },
    );
    expect(read).toBeGreaterThan(10);
  });
});

describe('a result in a file beside', () => {
  function with_large_result(): { file: string; side: string } {
    const file = join(new_folder(), 'align.status');
    const journal = Journal.create(options_of(file, { inline_limit: SMALL_LIMIT }));
    const run = { kind: 'done', attempt: 1, slave: 'align.slave0', run_ms: 1 } as const;
    journal.append({ ...run, task: task_of(1), value: { json: 'x'.repeat(1000) } });
    journal.append({ ...run, task: task_of(2), value: { json: 'small' } });
    journal.close();
    const name = readdirSync(dirname(file)).find((entry) => entry.endsWith('.d')) as string;
    const side = join(dirname(file), name, readdirSync(join(dirname(file), name))[0] as string);
    return { file, side };
  }

  it.each([
    ['is missing', (side: string) => rmSync(side), /is missing/],
    ['was cut off', (side: string) => truncateSync(side, 500), /it has 500 bytes, and had 1002/],
  ])('that %s is seen at once: the task has to run again', (_what, harm, text) => {
    const { file, side } = with_large_result();
    harm(side);
    const notices: string[] = [];
    const replay = Replay.read(file, (notice) => notices.push(notice)) as Replay;
    expect(notices).toEqual([expect.stringMatching(text)]);
    expect(replay.get(task_of(1).key)).toMatchObject({ state: 'queued' });
    expect(replay.get(task_of(1).key)?.outcome()).toBeUndefined();
    expect(replay.get(task_of(2).key)?.outcome()).toMatchObject({ value: { json: 'small' } });
    replay.close();
  });

  it('that was changed is seen when it is asked for', () => {
    const { file, side } = with_large_result();
    const bytes = readFileSync(side);
    bytes[700] = (bytes[700] as number) ^ 1;
    writeFileSync(side, bytes);
    const notices: string[] = [];
    const replay = Replay.read(file, (notice) => notices.push(notice)) as Replay;
    expect(replay.get(task_of(1).key)?.state).toBe('done');
    expect(replay.get(task_of(1).key)?.outcome()).toBeUndefined();
    expect(notices).toEqual([
      expect.stringMatching(/task 1 is lost, it will be run again: .*checksum differs/),
    ]);
    replay.close();
  });
});
