/** Types of tasks.js. */

export declare function noop(arg: NoopArgument): number;
export declare function echo<T>(arg: T): T;
export declare function busy(ms: number): number;

export interface NoopArgument {
  i: number;
  s: string;
}

/** The name of a task. */
export type Kind = 'noop' | 'echo' | 'busy';
