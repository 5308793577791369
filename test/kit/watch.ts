/** What has become of a promise by now. */
export interface Watched {
  state: 'waits' | 'resolved' | 'rejected';
  outcome?: unknown;
}

export function watch(promise: Promise<unknown>): Watched {
  const watched: Watched = { state: 'waits' };
  promise.then(
    (outcome) => Object.assign(watched, { state: 'resolved', outcome }),
    (outcome) => Object.assign(watched, { state: 'rejected', outcome }),
  );
  return watched;
}
