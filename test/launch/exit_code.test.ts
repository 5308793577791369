import { expect, it } from 'vitest';
import {
  cause_of_exit,
  EXIT_BAD_SECRET,
  EXIT_CANNOT_REACH,
  EXIT_VERSION_DIFFERS,
  EXIT_WRONG_NODE,
} from '../../src/launch/exit_code.js';

it.each([
  [EXIT_CANNOT_REACH, 'cannot_reach'],
  [EXIT_BAD_SECRET, 'bad_secret'],
  [EXIT_VERSION_DIFFERS, 'version_differs'],
  [EXIT_WRONG_NODE, 'wrong_node_version'],
  [127, 'command_not_found'],
  [126, 'command_not_found'],
  [1, 'exited'],
  [undefined, 'exited'],
])('exit code %s of a slave that never connected means %s', (exit_code, cause) => {
  expect(cause_of_exit(exit_code)).toBe(cause);
});

it('the exit codes of slaves are none that a shell or node gives a meaning to', () => {
  const codes = [EXIT_CANNOT_REACH, EXIT_BAD_SECRET, EXIT_VERSION_DIFFERS, EXIT_WRONG_NODE];
  expect(new Set(codes).size).toBe(codes.length);
  for (const code of codes) {
    expect(code).toBeGreaterThan(78);
    expect(code).toBeLessThan(126);
  }
});
