import { Command } from 'commander';
import { addApiKey } from '../serve/http/api-keys.js';
import { wholeNumber } from './options.js';
import { type CommandContext, printLine } from './ui/terminal.js';

interface ApiKeyOptions {
  readonly name: string;
  readonly rateLimit?: number;
}

/** `unclip api-key`: makes a key for `unclip serve`. */
export function apiKeyCommand({ stdout, stderr }: CommandContext): Command {
  return new Command('api-key')
    .description('make an API key for `unclip serve --api-keys`; the file gets its hash alone')
    .argument('<file>', 'file of keys, made when it is not there')
    .requiredOption('--name <name>', 'whose key it is, as logs call it')
    .option('--rate-limit <n>', 'its requests a minute', wholeNumber('--rate-limit', 1, 1_000_000))
    .action(async (file: string, { name, rateLimit }: ApiKeyOptions) => {
      printLine(stdout, await addApiKey(file, name, rateLimit));
      printLine(stderr, `this key is shown once; ${file} holds its hash`);
    });
}
