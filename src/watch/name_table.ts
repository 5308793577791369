/** NameTable: strings as small numbers, so that columns of millions of rows can name them. */

export class NameTable {
  readonly #numbers = new Map<string, number>();
  readonly #names: string[] = [];
  readonly #limit: number;
  // the same name mostly comes many times in a row
  #last: string | undefined;
  #last_number = 0;

  /** Names beyond `limit` all become the last one, `(others)`. */
  constructor(limit = 65_536) {
    this.#limit = limit;
  }

  get size(): number {
    return this.#names.length;
  }

  number_of(name: string): number {
    if (name === this.#last) return this.#last_number;
    let number = this.#numbers.get(name);
    if (number === undefined) {
      const is_full = this.#names.length >= this.#limit - 1;
      if (is_full && this.#names.length === this.#limit) return this.#limit - 1;
      number = this.#names.length;
      this.#names.push(is_full ? '(others)' : name);
      if (!is_full) this.#numbers.set(name, number);
    }
    this.#last = name;
    this.#last_number = number;
    return number;
  }

  name_of(number: number): string {
    return this.#names[number] ?? '';
  }

  /** All names, each at the place of its number. */
  get names(): readonly string[] {
    return this.#names;
  }
}
