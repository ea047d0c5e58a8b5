import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { FormatError } from './format-error.js';

/** A file that is read in pieces, each checked against its size before memory is taken for it. */
export class FileBytes {
  readonly size: number;
  #descriptor: number | undefined;

  /** @throws Error of node:fs; FormatError where it is no regular file */
  constructor(path: string) {
    // Without O_NONBLOCK, opening a pipe would wait for a writer for ever. Windows has no such flag.
    this.#descriptor = openSync(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
    const stats = fstatSync(this.#descriptor);
    this.size = stats.size;
    if (!stats.isFile()) {
      this.close();
      throw new FormatError('it is not a regular file');
    }
  }

  /** Bytes [offset, offset + length). */
  read(offset: number, length: number): Buffer {
    if (this.#descriptor === undefined) throw new FormatError('the file is closed');
    if (!(offset >= 0 && length >= 0 && length <= this.size - offset)) throw pastEnd();
    const bytes = Buffer.allocUnsafe(length);
    for (let done = 0; done < length; ) {
      const count = readSync(this.#descriptor, bytes, done, Math.min(length - done, 2 ** 30), offset + done);
      if (count === 0) throw new FormatError('the file was truncated while it was in use; load the model again');
      done += count;
    }
    return bytes;
  }

  /** Safe to call twice. */
  close(): void {
    if (this.#descriptor !== undefined) closeSync(this.#descriptor);
    this.#descriptor = undefined;
  }
}

const pastEnd = (): FormatError => new FormatError('it ends too early; the file may be truncated');

const WINDOW = 65_536;
/** No string, number or key of a checkpoint is longer. */
const MAX_PIECE = 16 * 2 ** 20;
const MAX_LINE = 1024;
const NEWLINE = 10;

/** Reads a range of a file from its start to its end. */
export class Cursor {
  /** Of the next byte, from the start of the file. */
  position: number;
  readonly #file: FileBytes;
  readonly #end: number;
  #window: Buffer = Buffer.alloc(0);
  #windowAt = 0;

  constructor(file: FileBytes, begin = 0, end = file.size) {
    this.#file = file;
    this.position = begin;
    this.#end = end;
  }

  /** The next `length` bytes; they stay valid until the next call only. */
  bytes(length: number): Buffer {
    if (length > this.#end - this.position) throw pastEnd();
    if (length > MAX_PIECE) throw new FormatError('it holds a value of more than 16 MiB, which no checkpoint does');
    let from = this.position - this.#windowAt;
    if (from < 0 || from + length > this.#window.length) {
      const size = Math.min(Math.max(length, WINDOW), this.#end - this.position);
      this.#window = this.#file.read(this.position, size);
      this.#windowAt = this.position;
      from = 0;
    }
    this.position += length;
    return this.#window.subarray(from, from + length);
  }

  byte(): number {
    return this.bytes(1)[0]!;
  }

  /** A length or an offset of 64 bits. */
  uint64(): number {
    const value = this.bytes(8).readBigUInt64LE();
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw new FormatError('it holds a size beyond any file');
    return Number(value);
  }

  utf8(length: number): string {
    return this.bytes(length).toString('utf8');
  }

  /** Up to the next newline, which is left out. */
  line(): string {
    const codes: number[] = [];
    for (let code = this.byte(); code !== NEWLINE; code = this.byte()) {
      if (codes.length === MAX_LINE) throw new FormatError('a line of its pickle does not end');
      codes.push(code);
    }
    return Buffer.from(codes).toString('utf8');
  }
}
