/** Throws `text` unless `holds`. A text that takes time is only made when it is needed: tests check after every event. */
export function assert(holds: boolean, text: string | (() => string)): void {
  if (holds) return;
  throw new Error(`the scheduler is inconsistent: ${typeof text === 'string' ? text : text()}`);
}
