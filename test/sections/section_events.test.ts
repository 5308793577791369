import { expect, it, vi } from 'vitest';
import { ParJob } from '../../src/sections/par_job.js';
import { SectionEmitter } from '../../src/sections/section_events.js';

it('ParJob.on refuses a name that no event has, and a listener that is none', () => {
  const parjob = new ParJob({ sect_pars: 1, files: {}, program: 'true' });
  expect(() => parjob.on('section_finnished' as never, () => {})).toThrow(
    /there is no event 'section_finnished'; there are section_sent, .*section_finished, .*notice$/,
  );
  expect(() => parjob.on('toString' as never, () => {})).toThrow(/there is no event/);
  expect(() => parjob.on('notice', undefined as never)).toThrow(/the listener of notice must be a function/);
});

it('a listener that throws changes nothing for the others', () => {
  const emitter = new SectionEmitter();
  const seen: string[] = [];
  emitter.on('section_collected', () => {
    throw new Error('mine');
  });
  emitter.on('section_collected', ({ id }) => seen.push(id));
  const error = vi.spyOn(console, 'error').mockImplementation(() => {});
  emitter.emit('section_collected', { id: '7' });
  expect(error).toHaveBeenCalledOnce();
  error.mockRestore();
  expect(seen).toEqual(['7']);
});
