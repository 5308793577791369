/** The child of ipc.ts: runs what it is sent, and sends back what comes of it. */
'use strict';

const TASKS = {
  noop: (arg) => arg.i,
  echo: (arg) => arg,
  busy: (ms) => {
    const end = performance.now() + ms;
    while (performance.now() < end);
    return ms;
  },
};

process.on('message', ([kind, arg]) => process.send(TASKS[kind](arg)));
