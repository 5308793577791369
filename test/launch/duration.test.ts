import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { UsageError } from '../../src/errors.js';
import { format_walltime, walltime_seconds } from '../../src/launch/duration.js';

describe('a walltime', () => {
  it.each([
    ['1:30:00', 5400],
    ['30:00', 1800],
    ['0:05', 5],
    ['2-00:00:00', 172_800],
    ['1-12:30:15', 131_415],
    ['100:00:00', 360_000],
    ['90:00', 5400],
  ])('as text: %s', (text, seconds) => {
    expect(walltime_seconds(text)).toBe(seconds);
  });

  it('as a number is ms, and is rounded up to whole seconds', () => {
    expect(walltime_seconds(60_000)).toBe(60);
    expect(walltime_seconds(1)).toBe(1);
    expect(walltime_seconds(1500)).toBe(2);
  });

  it.each([
    ['90'],
    [''],
    ['1 hour'],
    ['1:2:3:4'],
    ['1-'],
    ['1-12'],
    [':30'],
    ['-1:00'],
    ['1:00:00 '],
    ['1.5:00'],
    ['1:00:00;id'],
    ['1-2-3:00'],
  ])('that cannot be understood is refused: %j', (text) => {
    expect(() => walltime_seconds(text)).toThrow(UsageError);
    expect(() => walltime_seconds(text)).toThrow(/days-hours:minutes:seconds.*'1:30:00'.*ms; got /);
  });

  it('with days needs hours, minutes and seconds: Slurm takes two fields behind days for hours and minutes', () => {
    expect(() => walltime_seconds('1-12:30')).toThrow(UsageError);
  });

  it('is written as all batch systems read it, and reads back as it was', () => {
    expect(format_walltime(5)).toBe('0:00:05');
    expect(format_walltime(5400)).toBe('1:30:00');
    expect(format_walltime(360_000)).toBe('100:00:00');
    fc.assert(
      fc.property(fc.nat(10_000_000), (seconds) => {
        expect(walltime_seconds(format_walltime(seconds))).toBe(seconds);
      }),
    );
  });
});
