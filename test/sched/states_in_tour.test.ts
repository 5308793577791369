import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { state_table } from '../kit/state_table.js';

it('the tour of the code shows the table of states as it is', () => {
  expect(readFileSync('src/README.md', 'utf8')).toContain(state_table());
});
