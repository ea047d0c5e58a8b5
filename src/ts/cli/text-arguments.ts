import { readFileSync, statSync } from 'node:fs';
import { extname } from 'node:path';
import { formatOfPath } from '../image/encode.js';
import { UsageError } from './failure.js';
import { onOneLine } from './ui/format.js';

/** Largest file of texts, bytes. */
const MAX_BYTES = 64 * 2 ** 20;

/**
 * The texts of an option that takes either one file, with a text a line, or the texts themselves. Empty lines are left out.
 * @param option as messages name it
 * @throws UsageError where there is no text, or the file is none of text
 */
export function textArguments(option: string, values: readonly string[]): string[] {
  const [only] = values;
  const file = values.length === 1 ? statSync(only!, { throwIfNoEntry: false }) : undefined;
  if (file?.isFile()) return readLines(option, only!, file.size);
  const picture = values.find((value) => formatOfPath(value) !== undefined && isFile(value));
  if (picture !== undefined)
    throw new UsageError(`${option} was given the picture '${onOneLine(picture, 200)}'; put pictures before ${option}`);
  if (values.length === 1 && extname(only!) === '.txt')
    throw new UsageError(`${option}: there is no file '${onOneLine(only!, 200)}'`);
  return [...values];
}

const isFile = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isFile() ?? false;

function readLines(option: string, path: string, size: number): string[] {
  const name = `${option}: '${onOneLine(path, 200)}'`;
  if (size > MAX_BYTES) throw new UsageError(`${name} is over 64 MiB; give fewer texts`);
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(path));
  } catch {
    throw new UsageError(`${name} is no UTF-8 text; give a file with one text a line`);
  }
  if (text.includes('\0')) throw new UsageError(`${name} is no text; give a file with one text a line`);
  const lines = text
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== '');
  if (lines.length === 0) throw new UsageError(`${name} has no text in it`);
  return lines;
}
