// Reads, from a 64-bit little-endian ELF library, the names of the libraries it needs. Only the headers and the dynamic
// section are read, since LLVM's library is 100 MB. Format: ELF-64 Object File Format, version 1.5.
import { closeSync, openSync, readSync } from 'node:fs';

const PT_LOAD = 1;
const PT_DYNAMIC = 2;
const DT_NEEDED = 1n;
const DT_STRTAB = 5n;
const DT_STRSZ = 10n;

function read(fd, position, length) {
  const buffer = Buffer.alloc(length);
  if (readSync(fd, buffer, 0, length, position) !== length) throw new Error('the file ends too early');
  return buffer;
}

/** @returns {string[]} the DT_NEEDED names of the library at `file`; throws when it is no such library. */
export function neededLibraries(file) {
  const fd = openSync(file, 'r');
  try {
    const header = read(fd, 0, 64);
    // Magic, 64-bit class, little-endian.
    if (header.readUInt32BE(0) !== 0x7f454c46 || header[4] !== 2 || header[5] !== 1) {
      throw new Error(`${file} is not a 64-bit little-endian ELF file`);
    }
    const entrySize = header.readUInt16LE(54);
    const entries = header.readUInt16LE(56);
    const table = read(fd, Number(header.readBigUInt64LE(32)), entrySize * entries);
    const segments = Array.from({ length: entries }, (_, i) => {
      const at = i * entrySize;
      return {
        type: table.readUInt32LE(at),
        offset: Number(table.readBigUInt64LE(at + 8)),
        address: Number(table.readBigUInt64LE(at + 16)),
        size: Number(table.readBigUInt64LE(at + 32)),
      };
    });
    const dynamic = segments.find((segment) => segment.type === PT_DYNAMIC);
    if (!dynamic) return [];
    const section = read(fd, dynamic.offset, dynamic.size);
    const needed = [];
    let stringsAddress = 0;
    let stringsSize = 0;
    for (let at = 0; at + 16 <= section.length; at += 16) {
      const tag = section.readBigInt64LE(at);
      const value = Number(section.readBigUInt64LE(at + 8));
      if (tag === 0n) break;
      if (tag === DT_NEEDED) needed.push(value);
      if (tag === DT_STRTAB) stringsAddress = value;
      if (tag === DT_STRSZ) stringsSize = value;
    }
    const home = segments.find(
      ({ type, address, size }) => type === PT_LOAD && stringsAddress >= address && stringsAddress < address + size,
    );
    if (!home) throw new Error(`${file} has no string table`);
    const strings = read(fd, home.offset + stringsAddress - home.address, stringsSize);
    return needed.map((start) => strings.toString('latin1', start, strings.indexOf(0, start)));
  } finally {
    closeSync(fd);
  }
}
