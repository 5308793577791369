#!/usr/bin/env node
// The command line of parjob. A slave has a way in of its own, so that it starts fast.
if (process.argv[2] === 'slave' && !process.argv.includes('--help')) {
  process.argv.splice(2, 1);
  import('../dist/bundle/slave.js');
} else {
  import('../dist/bundle/cli.js');
}
