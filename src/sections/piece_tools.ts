/**
 * What reads, cuts and joins datasets, loaded when a run opens its files: whoever only imports parjob has no use for it.
 */
export { read_all } from './far/files.js';
export { files_of, read_header } from './formats/header.js';
export { Joiner } from './pieces/joiner.js';
export { plan_split } from './pieces/plan.js';
export { is_exact_size, piece_bytes, read_piece, read_whole } from './pieces/reader.js';
