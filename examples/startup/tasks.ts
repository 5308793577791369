/** A task that relies on what a start-up command has prepared on its slave. */
declare const words: ReadonlySet<string>;

export const is_word = (text: string): boolean => words.has(text);
