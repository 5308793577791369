/**
 * The table of pieces: which file's piece is where, and whether it can be relied on. It is in two phases: a piece is
 * `staging` until the far end has said that it is whole, and only then `present`, with size and SHA-256.
 *
 * Each change is written to the status file before anything is built on it.
 */
import { next_piece_state, type PieceState, type PieceTransition } from './section_state.js';
import type { StatusFile } from './status_file.js';

/** A file that makes up a piece, or is all of it. */
export interface PieceFile {
  path: string;
  size: number;
  sha256: string;
}

export interface Piece {
  readonly id: string;
  /** Key of its file. */
  file: string;
  state: PieceState;
  host: string;
  /** Section that it belongs to; undefined for a copy, which is of the host. */
  section?: string | undefined;
  /** Attempt that has written it; of an OUTPUT. */
  attempt?: number | undefined;
  /** Of the input, when it was sent. */
  identity?: string | undefined;
  files: readonly PieceFile[];
}

export class PiecesTable {
  readonly #status: StatusFile;
  readonly #pieces = new Map<string, Piece>();

  constructor(status: StatusFile) {
    this.#status = status;
    for (const [id, fields] of status.records.get('piece') ?? []) {
      const piece = { files: [], ...fields, id } as unknown as Piece;
      // what was on its way when a master died is not relied on
      if (piece.state === 'staging') piece.state = 'absent';
      this.#pieces.set(id, piece);
    }
  }

  get(id: string): Piece | undefined {
    return this.#pieces.get(id);
  }

  [Symbol.iterator](): IterableIterator<Piece> {
    return this.#pieces.values();
  }

  *of_host(host: string): Iterable<Piece> {
    for (const piece of this.#pieces.values()) if (piece.host === host) yield piece;
  }

  *of_section(section: string): Iterable<Piece> {
    for (const piece of this.#pieces.values()) if (piece.section === section) yield piece;
  }

  /** A piece is about to be made there. */
  stage(id: string, facts: Omit<Piece, 'id' | 'state' | 'files'>): Piece {
    const piece: Piece = { ...(this.#pieces.get(id) ?? { state: 'absent' }), ...facts, id, files: [] };
    if (piece.state === 'present') piece.state = 'stale';
    this.#pieces.set(id, piece);
    this.#move(piece, piece.state === 'staging' ? undefined : 'stage');
    return piece;
  }

  /** It is there, and whole. */
  arrive(id: string, files: readonly PieceFile[]): void {
    const piece = this.#pieces.get(id);
    if (piece === undefined) return;
    piece.files = files;
    this.#move(piece, 'arrive');
  }

  /** It is not there after all. */
  break(id: string): void {
    const piece = this.#pieces.get(id);
    if (piece !== undefined) this.#move(piece, 'break');
  }

  /** It is there and must not be used. */
  spoil(id: string): void {
    const piece = this.#pieces.get(id);
    if (piece !== undefined) this.#move(piece, 'spoil');
  }

  forget(id: string): void {
    if (this.#pieces.delete(id)) this.#status.write('piece', id, { gone: true });
  }

  #move(piece: Piece, transition: PieceTransition | undefined): void {
    if (transition !== undefined) piece.state = next_piece_state(piece.state, transition);
    const { id: _id, ...fields } = piece;
    this.#status.write('piece', piece.id, fields);
  }
}
