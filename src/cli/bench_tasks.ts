/** The task of `parjob bench`. */
export function noop({ i }: { i: number; s: string }): number {
  return i;
}
