import { afterEach, describe, expect, it, vi } from 'vitest';
import { Gauge } from '../../src/slave/gauge.js';

afterEach(() => {
  vi.useRealTimers();
});

function cpu_ms(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

function peak_bytes(): number {
  return process.resourceUsage().maxRSS * 1024;
}

it('memory, its peak and CPU time are those of this process, in bytes and ms', () => {
  const [cpu, peak] = [cpu_ms(), peak_bytes()];
  const read = new Gauge().read();
  expect(read.cpu).toBeGreaterThanOrEqual(Math.floor(cpu));
  expect(read.cpu).toBeLessThanOrEqual(Math.ceil(cpu_ms()));
  expect(read.peak).toBeGreaterThanOrEqual(peak);
  expect(read.peak).toBeLessThanOrEqual(peak_bytes());
  // a node process has more than 20 MB, and the system counts its peak a little late
  expect(read.rss).toBeGreaterThan(20e6);
  expect(read.rss).toBeLessThan(1.1 * read.peak);
});

describe('the time for which the main thread has not turned', () => {
  it('grows while no turn is counted, and begins anew with the next', () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'performance'] });
    const main = new Gauge();
    const pulse = new Gauge(main.buffer);
    expect(pulse.read().stalled).toBe(0);
    vi.advanceTimersByTime(1700);
    expect(pulse.read().stalled).toBe(1700);
    main.count_turns();
    vi.advanceTimersByTime(500);
    expect(pulse.read().stalled).toBe(0);
  });

  it('is never more than what passes between two counts, and two measures, while it turns', () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'performance'] });
    const main = new Gauge();
    const pulse = new Gauge(main.buffer);
    main.count_turns();
    for (let ms = 0; ms < 5000; ms += 100) {
      expect(pulse.read().stalled).toBeLessThan(500);
      vi.advanceTimersByTime(100);
    }
  });
});
