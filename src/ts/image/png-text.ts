import { UnclipError } from '../util/errors.js';

/** A keyword of a text chunk (1..79 Latin-1 characters) and its text (any Unicode). */
export type PngText = readonly [keyword: string, text: string];

/** Bytes of the signature and of the header chunk (IHDR), which every PNG begins with. */
const HEADER_END = 8 + 12 + 13;

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, n) => {
  let c = n;
  for (let bit = 0; bit < 8; bit++) c = c & 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1;
  return c;
});

/** CRC-32 of PNG chunks (PNG specification, annex D). zlib.crc32 would do, but Node 20 has it from 20.15 on only. */
function crc32(bytes: Uint8Array): number {
  let c = 0xffffffff;
  for (const byte of bytes) c = CRC_TABLE[(c ^ byte) & 0xff]! ^ (c >>> 8);
  return (c ^ 0xffffffff) >>> 0;
}

/** An iTXt chunk: uncompressed UTF-8, no language (PNG specification, 11.3.3.4). */
function textChunk([keyword, text]: PngText): Buffer {
  const body = Buffer.concat([
    Buffer.from('iTXt'),
    Buffer.from(keyword, 'latin1'),
    Buffer.alloc(5),
    Buffer.from(text, 'utf8'),
  ]);
  const chunk = Buffer.alloc(body.length + 8);
  chunk.writeUInt32BE(body.length - 4, 0);
  body.copy(chunk, 4);
  chunk.writeUInt32BE(crc32(body), body.length + 4);
  return chunk;
}

/**
 * A PNG file with text chunks added right after its header.
 * @throws UnclipError INPUT_PICTURE_INVALID when `png` does not begin as a PNG file does
 */
export function addPngTexts(png: Buffer, texts: readonly PngText[]): Buffer {
  if (png.length < HEADER_END || png.toString('latin1', 12, 16) !== 'IHDR') {
    throw new UnclipError('INPUT_PICTURE_INVALID', 'text can be added to PNG files only; give PNG data');
  }
  return Buffer.concat([png.subarray(0, HEADER_END), ...texts.map(textChunk), png.subarray(HEADER_END)]);
}
