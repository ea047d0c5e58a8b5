import { readFileSync } from 'node:fs';
import { UnclipError } from './errors.js';

/**
 * Reads a text file of a checkpoint folder.
 * @throws UnclipError MODEL_FILE_MISSING
 */
export function readModelText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw new UnclipError('MODEL_FILE_MISSING', `cannot read ${path}; is the checkpoint complete?`, { cause });
  }
}

/**
 * Reads and parses a JSON file of a checkpoint folder.
 * @throws UnclipError MODEL_FILE_MISSING or MODEL_FILE_INVALID (not JSON)
 */
export function readModelJson(path: string): unknown {
  const text = readModelText(path);
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new UnclipError('MODEL_FILE_INVALID', `${path} is not JSON; fetch the checkpoint again`, { cause });
  }
}

/** A value from a config file for a message: as JSON, one line, at most 60 characters. */
export function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? 'undefined';
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}
