import type { Command } from 'commander';
import { PICTURE_FORMATS, type PictureFormat } from '../image/encode.js';
import { oneOf, wholeNumber } from './options.js';

/** Options of every command that writes pictures: where, how, and what is printed about them. */
export interface FileOptions {
  readonly out?: string;
  readonly format?: PictureFormat;
  readonly quality?: number;
  readonly json?: boolean;
  readonly quiet?: boolean;
}

export function withFileOptions(command: Command): Command {
  return command
    .option('--out <path>', 'folder or picture file (default: the current folder)')
    .option('--format <format>', PICTURE_FORMATS.join(', '), oneOf('--format', PICTURE_FORMATS))
    .option('--quality <n>', 'quality of JPEG and WebP, 1 to 100', wholeNumber('--quality', 1, 100))
    .option('--json', 'print one JSON document about the pictures')
    .option('-q, --quiet', 'no progress, only the paths of the pictures');
}
