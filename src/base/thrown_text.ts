/** What was thrown, in words: users may throw anything. */
export function thrown_text(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
