/**
 * Three projects: `unit` runs in seconds and starts no slave; `search` looks for what nobody thought of, by
 * random schedules and damaged bytes; `process` starts real slaves.
 */
import { defineConfig } from 'vitest/config';

const SEARCH_TESTS = ['test/fuzz/**/*.test.ts', 'test/sim/**/*.test.ts'];
const PROCESS_TESTS = [
  'test/chaos/storm.test.ts',
  'test/cluster/**/*.test.ts',
  'test/examples/**/*.process.test.ts',
  'test/cli/**/*.process.test.ts',
  'test/docs/**/*.process.test.ts',
  'test/sections/**/*.process.test.ts',
  'test/slave/**/*.process.test.ts',
  'test/readme.test.ts',
  'test/package.test.ts',
  'test/watch/**/*.process.test.ts',
  'test/watch/dashboard.browser.test.ts',
];

export default defineConfig({
  root: new URL('..', import.meta.url).pathname,
  test: {
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: [...PROCESS_TESTS, ...SEARCH_TESTS],
          testTimeout: 20_000,
          isolate: false,
        },
      },
      {
        extends: true,
        test: {
          name: 'search',
          include: SEARCH_TESTS,
          testTimeout: 300_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'process',
          include: PROCESS_TESTS,
          testTimeout: 120_000,
          hookTimeout: 60_000,
          // slaves load what is built, so the build comes first
          globalSetup: 'test/kit/build.ts',
        },
      },
    ],
    coverage: {
      include: ['src/**/*.ts'],
      reporter: ['text-summary', 'text'],
    },
  },
});
