/** Why an attempt of a section did not come to its end. */
export class AttemptFailure extends Error {
  readonly why: 'program' | 'transfer' | 'lost';

  constructor(why: 'program' | 'transfer' | 'lost', message: string, options?: ErrorOptions) {
    super(message, options);
    this.why = why;
  }
}
