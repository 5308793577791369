/** Why an attempt of a section did not come to its end. */
export class AttemptFailure extends Error {
  readonly why: 'program' | 'transfer' | 'lost';

  constructor(why: 'program' | 'transfer' | 'lost', message: string, options?: ErrorOptions) {
    super(message, options);
    this.why = why;
  }
}

/** What was thrown, in words: users may throw anything. */
export function thrown_text(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
