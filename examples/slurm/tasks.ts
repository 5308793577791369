/** The task: how many primes there are from `from` up to `to`. */
import { hostname } from 'node:os';

export function count_primes(from: number, to: number): { count: number; host: string } {
  let count = 0;
  for (let n = Math.max(2, from); n < to; n++) if (is_prime(n)) count++;
  return { count, host: hostname() };
}

function is_prime(n: number): boolean {
  for (let d = 2; d * d <= n; d++) if (n % d === 0) return false;
  return true;
}
