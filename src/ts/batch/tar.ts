const BLOCK = 512;

/** What ends an archive: two empty blocks. */
export const TAR_END = Buffer.alloc(2 * BLOCK);

/**
 * A file as a member of a tar archive (POSIX.1-1988 ustar): header, contents, padding.
 * @param name at most 100 bytes of ASCII
 * @param contents under 8 GiB
 */
export function tarMember(name: string, contents: Uint8Array): Buffer {
  const header = Buffer.alloc(BLOCK);
  const octal = (value: number, digits: number): string => `${value.toString(8).padStart(digits, '0')}\0`;
  header.write(name, 0, 100, 'ascii');
  header.write(octal(0o644, 7), 100, 'ascii');
  // Owner, group and time are zero, so that equal pictures make equal archives.
  header.write(octal(0, 7), 108, 'ascii');
  header.write(octal(0, 7), 116, 'ascii');
  header.write(octal(contents.length, 11), 124, 'ascii');
  header.write(octal(0, 11), 136, 'ascii');
  header.write('        0', 148, 'ascii');
  header.write('ustar\x0000', 257, 'latin1');
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'ascii');
  const padding = Buffer.alloc((BLOCK - (contents.length % BLOCK)) % BLOCK);
  return Buffer.concat([header, contents, padding]);
}
