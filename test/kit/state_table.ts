/** The table of slave states as src/README.md shows it. */
import { SLAVE_TRANSITIONS } from '../../src/sched/slave_state.js';

const COLUMNS = ['launch', 'ready', 'assign', 'command', 'finish', 'lose', 'give_up', 'stop', 'end'];

export function state_table(): string {
  const rows = Object.entries(SLAVE_TRANSITIONS).map(([state, row]: [string, Record<string, string>]) => [
    state,
    ...COLUMNS.map((transition) => row[transition] ?? ''),
  ]);
  const lines = [['from', ...COLUMNS], COLUMNS.map(() => '---').concat('---'), ...rows];
  return lines.map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}
