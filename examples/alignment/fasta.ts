/**
 * Reading protein sequences in FASTA format.
 *
 *     >NAME description to the end of the line
 *     MVLSPADKTNVKAAWGKVGAHAGEYGAEALERMFLSF
 *     PTTKTYFPHFDLSH
 *
 * What is wrong in a file is said with its line, what was expected there, and what to do: a sequence
 * that is read wrongly would be aligned without complaint.
 */

export interface FastaRecord {
  name: string;
  description: string;
  /** Upper case, without a stop sign. */
  sequence: string;
}

/** A FASTA file that cannot be used. `hint` says what to do about it. */
export class FastaError extends Error {
  override readonly name = 'FastaError';
  readonly file: string;
  readonly line: number;
  readonly hint: string;

  constructor(file: string, line: number, problem: string, hint: string) {
    super(`${file}:${line}: ${problem}`);
    this.file = file;
    this.line = line;
    this.hint = hint;
  }
}

/** Amino acids, with B, Z, J and X for uncertain ones and U and O for the rare ones: all 26 letters. */
const NOT_AMINO_ACID = /[^A-Z]/;

const DNA = /^[ACGTUN]+$/;
/** So many letters of DNA in a row are no accident. */
const CERTAIN_LETTERS = 60;

/** The records of a FASTA `text`, two or more. `file` is its name, for the messages. */
export function parse_fasta(text: string, file: string): FastaRecord[] {
  const records: FastaRecord[] = [];
  const line_of_name = new Map<string, number>();
  const lines = text.replace(/^\uFEFF/, '').split(/\r\n|\n|\r/);
  let line_of_header = 0;
  const error = (line: number, problem: string, hint: string) => new FastaError(file, line, problem, hint);

  const finish_record = () => {
    const record = records.at(-1);
    if (record === undefined) return;
    record.sequence = record.sequence.replace(/\*$/, '');
    if (record.sequence === '') {
      const problem = `expected a sequence after the name ${record.name}, but none came`;
      throw error(line_of_header, problem, 'add the sequence below this line, or remove the record');
    }
  };

  for (const [index, line] of lines.entries()) {
    const number = index + 1;
    if (line.trim() === '') continue;
    if (line.startsWith('>')) {
      finish_record();
      line_of_header = number;
      const [, name = '', description = ''] = /^>(\S*)\s*(.*?)\s*$/.exec(line) ?? [];
      if (name === '') {
        const hint = 'write the name right after the >, with no blank between them';
        throw error(number, `expected a name after >, got ${quote(line)}`, hint);
      }
      const earlier = line_of_name.get(name);
      if (earlier !== undefined) {
        const problem = `expected a new name, got ${name}, which line ${earlier} has already`;
        throw error(number, problem, 'rename one of the two, or remove one');
      }
      line_of_name.set(name, number);
      records.push({ name, description, sequence: '' });
    } else {
      const record = records.at(-1);
      if (record === undefined) {
        const problem = `expected a line that starts with >, got ${quote(line)}`;
        throw error(number, problem, 'give a FASTA file: sequences below lines of the form >NAME');
      }
      if (record.sequence.endsWith('*')) {
        const problem = `expected the sequence of ${record.name} to end at *, the stop sign, but more came`;
        throw error(number, problem, 'remove the * or what follows; it may only be the last letter');
      }
      record.sequence += residues(line, file, number);
    }
  }
  finish_record();
  check_count(records.length, file, Math.max(line_of_header, 1));
  check_is_protein(records, file);
  return records;
}

/** The letters of one line, in upper case; blanks within a line are common and mean nothing. */
function residues(line: string, file: string, number: number): string {
  const letters = line.replace(/\s+/g, '').toUpperCase();
  const body = letters.replace(/\*$/, '');
  const position = body.search(NOT_AMINO_ACID);
  if (position < 0) return letters;
  const character = [...body.slice(position)][0]!;
  const problem = `expected amino acid letters, got ${quote(character)} at residue ${position + 1} of the line`;
  throw new FastaError(file, number, problem, hint_for(character));
}

function hint_for(character: string): string {
  if (character === '-' || character === '.') {
    return 'the file seems to be aligned already: give the sequences without gaps';
  }
  if (character === '*') return 'a *, the stop sign, may only be the last letter of a sequence';
  if (character === '>') return 'start a new line before the >';
  return 'the 20 amino acids and B, Z, J, X, U, O are known, in upper or lower case';
}

function check_count(count: number, file: string, line: number): void {
  if (count >= 2) return;
  const got = count === 0 ? 'the file is empty' : 'got only one';
  const hint = 'all sequences to be compared go into one file';
  throw new FastaError(file, line, `expected two sequences or more, ${got}`, hint);
}

/** All letters of DNA stand for amino acids too, so that it would be aligned, to no purpose. */
function check_is_protein(records: readonly FastaRecord[], file: string): void {
  const letters = records.reduce((sum, { sequence }) => sum + sequence.length, 0);
  if (letters < CERTAIN_LETTERS || records.some(({ sequence }) => !DNA.test(sequence))) return;
  const problem = 'expected proteins, got nothing but A, C, G, T, U and N, so this is DNA or RNA';
  throw new FastaError(file, 1, problem, 'give the translated sequences');
}

/** What came, cut to a length that a message can hold. */
function quote(text: string): string {
  const shown = text.length > 30 ? `${text.slice(0, 30)}...` : text;
  return JSON.stringify(shown);
}
