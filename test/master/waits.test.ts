import { describe, expect, it } from 'vitest';
import { Waits } from '../../src/master/waits.js';
import { rejection } from '../kit/fake_slave.js';

describe('a wait', () => {
  it('ends when its condition is met, looked at now and at each event', async () => {
    const waits = new Waits();
    let count = 0;
    const ended: string[] = [];
    const wait = (limit: number) => waits.until(() => count >= limit).then(() => ended.push(`${limit}`));
    const all = [wait(2), wait(1), wait(0)];
    await all[2];
    expect(ended).toEqual(['0']);
    for (count = 1; count <= 2; count++) waits.look();
    await Promise.all(all);
    expect(ended).toEqual(['0', '2', '1'].toSorted());
  });

  it('ends with what its condition throws, and no other with it', async () => {
    const waits = new Waits();
    let is_bad = false;
    let is_good = false;
    const bad = waits.until(() => {
      if (is_bad) throw new Error('no');
      return false;
    });
    const good = waits.until(() => is_good);
    is_bad = true;
    waits.look();
    expect((await rejection(bad)).message).toBe('no');
    is_good = true;
    waits.look();
    await good;
  });
});

describe('the process', () => {
  const held = () => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;

  it('stays alive while somebody waits or holds, and no longer', async () => {
    const before = held();
    const waits = new Waits();
    expect(held()).toBe(before);
    let is_met = false;
    const wait = waits.until(() => is_met);
    waits.hold();
    expect(held()).toBe(before + 1);
    is_met = true;
    waits.look();
    await wait;
    expect(held()).toBe(before + 1);
    waits.release();
    expect(held()).toBe(before);
  });
});
