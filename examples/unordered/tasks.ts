/** Darts thrown at a square; those within its circle say what pi is. */
export function throw_darts(seed: number, darts: number): { darts: number; hits: number } {
  const random = generator(seed);
  let hits = 0;
  for (let i = 0; i < darts; i++) {
    const [x, y] = [random(), random()];
    if (x * x + y * y < 1) hits++;
  }
  return { darts, hits };
}

/** Mulberry32, so that a seed always throws the same darts. */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}
