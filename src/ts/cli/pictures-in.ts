import { existsSync, statSync } from 'node:fs';
import { basename, extname } from 'node:path';
import type { Command } from 'commander';

/** Endings that make a word a picture although there is no such file, so that a mistyped name is an error and no prompt. */
const PICTURE_ENDINGS = new Set(['.png', '.jpg', '.jpeg', '.webp', '.gif', '.tif', '.tiff', '.avif']);

/** Whether an argument names a picture file: one that is there, or a name with a picture's ending. Anything else is a prompt. */
export const isPictureName = (argument: string): boolean =>
  (existsSync(argument) && statSync(argument).isFile()) || PICTURE_ENDINGS.has(extname(argument).toLowerCase());

/** How a picture file or a prompt is called in the names of what is made of it. */
export const labelOf = (argument: string): string =>
  isPictureName(argument) ? basename(argument, extname(argument)) : argument;

/** What decides about files and speed, not about pictures. */
const NOT_REPEATED = new Set([
  'out',
  'format',
  'quality',
  'json',
  'quiet',
  'saveSteps',
  'adapter',
  'batchSize',
  'weightBudget',
  'sheet',
  'animation',
  'delay',
]);

/**
 * The command line that makes its pictures again, for their metadata. Picture files are named without their folders: no file
 * tells where a home folder lies.
 */
export function commandLine(command: Command, seed: number): string {
  const words = ['unclip', command.name(), ...command.args.map((a) => (isPictureName(a) ? basename(a) : a))];
  for (const option of command.options) {
    const name = option.attributeName();
    if (NOT_REPEATED.has(name) || name === 'seed' || command.getOptionValueSource(name) !== 'cli') continue;
    const value: unknown = command.getOptionValue(name);
    words.push(option.long ?? option.short ?? '', ...(typeof value === 'boolean' ? [] : [optionWord(value)]));
  }
  return [...words, '--seed', String(seed)].map(quoted).join(' ');
}

/** An option's value as it is typed: pictures without their folders, sides with their numbers. */
function optionWord(value: unknown): string {
  if (typeof value === 'object' && value !== null)
    return Object.entries(value)
      .map(([name, number]) => `${name}:${number}`)
      .join(',');
  const word = String(value);
  return isPictureName(word) ? basename(word) : word;
}

const quoted = (word: string): string => (/^[\w./:+-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`);
