#!/usr/bin/env node
// The command line of parjob.
import('../dist/cli/main.js');
