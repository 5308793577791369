#!/usr/bin/env node
// A slave of a parjob job. Masters start it; nobody needs to by hand.
const [major, minor] = process.versions.node.split('.').map(Number);
if (major > 20 || (major === 20 && minor >= 19)) {
  import('../dist/bundle/slave.js');
} else {
  console.error(`parjob needs Node 20.19 or newer, this is ${process.version} (${process.execPath})`);
  process.exit(84);
}
