/** Tasks that block their main thread. */
import { current_task } from 'parjob';

/** Says that it runs, and goes on until its process is ended. @returns {never} */
export function block() {
  current_task().report_progress(1);
  for (;;);
}
