import type { FileBytes } from './file-bytes.js';
import { FormatError } from './format-error.js';

/** An entry of an archive and where its bytes lie in the file. */
export interface ZipEntry {
  readonly name: string;
  readonly begin: number;
  readonly size: number;
}

const LOCAL = 0x04034b50;
const CENTRAL = 0x02014b50;
const END = 0x06054b50;
const END64 = 0x06064b50;
const LOCATOR64 = 0x07064b50;
/** What a 32-bit and a 16-bit field hold when the 64-bit record has the number. */
const IN_64 = 0xffffffff;
const END_BYTES = 22;
const CENTRAL_BYTES = 46;
const LOCAL_BYTES = 30;
const MAX_DIRECTORY = 64 * 2 ** 20;
const ZIP64_FIELD = 1;

const broken = (what: string): FormatError => new FormatError(`its zip archive is damaged: ${what}`);

/**
 * The entries of a zip archive by name (APPNOTE.TXT 6.3.10 §4.3; zip64 included), each within the file. torch.save compresses
 * nothing; archives that do are refused, since their tensors could not be read in place.
 */
export function readZipDirectory(file: FileBytes): Map<string, ZipEntry> {
  const { offset, size } = findDirectory(file);
  if (size > MAX_DIRECTORY) throw broken('its directory has more than 64 MiB');
  const directory = file.read(offset, size);
  const entries = new Map<string, ZipEntry>();
  for (let at = 0; at < size; ) {
    if (at + CENTRAL_BYTES > size || directory.readUInt32LE(at) !== CENTRAL) throw broken('an entry has no signature');
    const nameLength = directory.readUInt16LE(at + 28);
    const extraLength = directory.readUInt16LE(at + 30);
    const next = at + CENTRAL_BYTES + nameLength + extraLength + directory.readUInt16LE(at + 32);
    if (next > size) throw broken('its directory ends within an entry');
    const name = directory.toString('utf8', at + CENTRAL_BYTES, at + CENTRAL_BYTES + nameLength);
    const extra = directory.subarray(at + CENTRAL_BYTES + nameLength, at + CENTRAL_BYTES + nameLength + extraLength);
    if (entries.has(name)) throw broken(`${JSON.stringify(name)} appears twice`);
    entries.set(name, locate(file, name, directory.subarray(at, at + CENTRAL_BYTES), extra));
    at = next;
  }
  return entries;
}

function findDirectory(file: FileBytes): { offset: number; size: number } {
  const tailSize = Math.min(file.size, END_BYTES + 0xffff);
  const tail = file.read(file.size - tailSize, tailSize);
  let at = tailSize - END_BYTES;
  while (at >= 0 && tail.readUInt32LE(at) !== END) at--;
  if (at < 0) throw broken('it has no directory, so the file may be truncated');
  const size = tail.readUInt32LE(at + 12);
  const offset = tail.readUInt32LE(at + 16);
  const locator = at - 20;
  if ((size !== IN_64 && offset !== IN_64) || locator < 0 || tail.readUInt32LE(locator) !== LOCATOR64)
    return { offset, size };
  const end64 = file.read(safe(tail.readBigUInt64LE(locator + 8)), 56);
  if (end64.readUInt32LE(0) !== END64) throw broken('its zip64 record is not where it should be');
  return { size: safe(end64.readBigUInt64LE(40)), offset: safe(end64.readBigUInt64LE(48)) };
}

function locate(file: FileBytes, name: string, central: Buffer, extra: Buffer): ZipEntry {
  const title = JSON.stringify(name);
  if (central.readUInt16LE(8) & 1) throw new FormatError(`its entry ${title} is encrypted`);
  if (central.readUInt16LE(10) !== 0)
    throw new FormatError(`its entry ${title} is compressed, which torch.save does not do; pack it again without`);
  const fields = { size: central.readUInt32LE(24), stored: central.readUInt32LE(20), local: central.readUInt32LE(42) };
  readZip64(fields, extra);
  if (fields.size !== fields.stored) throw broken(`${title} has two sizes`);
  const header = file.read(fields.local, LOCAL_BYTES);
  if (header.readUInt32LE(0) !== LOCAL) throw broken(`${title} is not where its directory says`);
  const begin = fields.local + LOCAL_BYTES + header.readUInt16LE(26) + header.readUInt16LE(28);
  if (begin > file.size || fields.size > file.size - begin) throw broken(`${title} lies past the end of the file`);
  return { name, begin, size: fields.size };
}

/** The extended-information field holds, in this order, the numbers that did not fit. */
function readZip64(fields: { size: number; stored: number; local: number }, extra: Buffer): void {
  for (let at = 0; at + 4 <= extra.length; ) {
    const length = extra.readUInt16LE(at + 2);
    const end = at + 4 + length;
    if (end > extra.length) return;
    if (extra.readUInt16LE(at) === ZIP64_FIELD) {
      let from = at + 4;
      for (const key of ['size', 'stored', 'local'] as const) {
        if (fields[key] !== IN_64 || from + 8 > end) continue;
        fields[key] = safe(extra.readBigUInt64LE(from));
        from += 8;
      }
    }
    at = end;
  }
}

function safe(value: bigint): number {
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw broken('it holds a size beyond any file');
  return Number(value);
}
