import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { UnclipError } from '../util/errors.js';
import { readModelJson, readModelText } from '../util/json-file.js';

/** A special token as the files write it: a plain string or an AddedToken record. */
const specialToken = z.union([
  z.string().min(1),
  z.looseObject({ content: z.string().min(1) }).transform((t) => t.content),
]);

const specialTokensSchema = z.looseObject({
  bos_token: specialToken.optional(),
  eos_token: specialToken.optional(),
  unk_token: specialToken.optional(),
  pad_token: specialToken.optional(),
});
const configSchema = specialTokensSchema.extend({
  model_max_length: z.int().min(2).max(4096).default(77),
  tokenizer_class: z.enum(['CLIPTokenizer', 'CLIPTokenizerFast']).default('CLIPTokenizer'),
});

/** CLIP reads this many lines after the version line of its merges.txt: 49152 - 256 - 2 (openai/CLIP simple_tokenizer.py). */
const MAX_MERGES = 48_894;

/** What a tokenizer folder of a checkpoint says. */
export interface TokenizerFiles {
  /** Token text → id. */
  vocabulary: Map<string, number>;
  merges: [string, string][];
  bos: string;
  eos: string;
  unk: string;
  pad: string;
  /** Length of an encoded prompt. */
  maxLength: number;
}

/**
 * Reads vocab.json, merges.txt, tokenizer_config.json and special_tokens_map.json of a CLIP tokenizer folder. The last two
 * may be missing: CLIP's own values stand in; where both name a token, special_tokens_map.json has the last word.
 * @throws UnclipError MODEL_FILE_MISSING, MODEL_FILE_INVALID or MODEL_CONFIG_INVALID, naming the file
 */
export function readTokenizerFiles(folder: string): TokenizerFiles {
  const vocabPath = join(folder, 'vocab.json');
  const vocabulary = parseVocabulary(readModelJson(vocabPath), vocabPath);
  const mergesPath = join(folder, 'merges.txt');
  const configPath = join(folder, 'tokenizer_config.json');
  const config = check(configSchema, readOptionalJson(configPath), configPath);
  const specialPath = join(folder, 'special_tokens_map.json');
  const special = check(specialTokensSchema, readOptionalJson(specialPath), specialPath);
  const eos = special.eos_token ?? config.eos_token ?? '<|endoftext|>';
  const files: TokenizerFiles = {
    vocabulary,
    merges: parseMerges(readModelText(mergesPath), mergesPath),
    bos: special.bos_token ?? config.bos_token ?? '<|startoftext|>',
    eos,
    unk: special.unk_token ?? config.unk_token ?? eos,
    pad: special.pad_token ?? config.pad_token ?? eos,
    maxLength: config.model_max_length,
  };
  for (const name of ['bos', 'eos', 'unk', 'pad'] as const) {
    if (!vocabulary.has(files[name])) {
      const shown = JSON.stringify(files[name].slice(0, 60));
      throw new UnclipError(
        'MODEL_FILE_INVALID',
        `${vocabPath}: the ${name} token ${shown} has no id; is it this model's file?`,
      );
    }
  }
  return files;
}

/** Token text → id of a vocab.json. Checked by hand, as a schema takes longer than all else on its 49,408 entries. */
function parseVocabulary(json: unknown, path: string): Map<string, number> {
  const vocabulary = new Map<string, number>();
  const isObject = typeof json === 'object' && json !== null && !Array.isArray(json);
  for (const [token, id] of Object.entries(isObject ? json : {})) {
    if (!Number.isInteger(id) || id < 0 || id >= 2 ** 31) {
      throw new UnclipError(
        'MODEL_FILE_INVALID',
        `${path}: the id of ${JSON.stringify(token.slice(0, 60))} is no whole number`,
      );
    }
    vocabulary.set(token, id as number);
  }
  return vocabulary;
}

/** The pairs of a merges.txt: a version line first, then one pair a line. */
function parseMerges(text: string, path: string): [string, string][] {
  const lines = text
    .trim()
    .split('\n')
    .slice(1, MAX_MERGES + 1);
  return lines.map((line, i) => {
    const [left, right, ...rest] = line.trimEnd().split(' ');
    if (!left || !right || rest.length > 0) {
      throw new UnclipError('MODEL_FILE_INVALID', `${path}: line ${i + 2} is not a pair of symbols`);
    }
    return [left, right];
  });
}

/** The JSON of a file that may be missing: then an empty object. */
function readOptionalJson(path: string): unknown {
  return existsSync(path) ? readModelJson(path) : {};
}

function check<T>(schema: z.ZodType<T>, value: unknown, path: string): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const { path: at, message } = result.error.issues[0]!;
  throw new UnclipError('MODEL_CONFIG_INVALID', `${path}: ${at.join('.') || 'the file'} is not supported (${message})`);
}
