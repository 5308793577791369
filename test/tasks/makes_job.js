/** A task module that is a main program too. */
import { Job } from 'parjob';

export const job = new Job();
export const answer = () => 42;
