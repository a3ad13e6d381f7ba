export { BOUNDARY, seekableZstd } from './seekable-writer.js';
export { readSeekTable } from './seek-table.js';
export { seekableAccess, type SeekableAccess } from './seekable-reader.js';
