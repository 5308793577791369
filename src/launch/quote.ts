/** How words go through a shell unharmed. Everything that a remote shell reads is quoted here, once. */

const PLAIN = /^[\w@%+=:,./-]+$/;

/** One word for a POSIX shell: any text but NUL, which no argument can hold. */
export function quote(word: string): string {
  if (PLAIN.test(word)) return word;
  return `'${word.replaceAll("'", "'\\''")}'`;
}

/** Several words, as one command line. */
export function quote_all(words: readonly string[]): string {
  return words.map(quote).join(' ');
}
