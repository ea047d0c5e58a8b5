import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { ClipTokenizer } from '../text/clip-tokenizer.js';
import type { Report } from './compare.js';

interface Item {
  readonly text: string;
  /** Tokens without start and end; `hf_ids` where transformers differs from openai/CLIP. */
  readonly ids?: readonly number[];
  readonly hf_ids?: readonly number[];
  /** All entries as the model reads them. */
  readonly input_ids?: readonly number[];
}

/** Token ids of every stored prompt, exactly. A file names the folder of its vocabulary, looked for beside the fixtures. */
export function checkTokenizer(folder: string, report: Report): string[] {
  const left: string[] = [];
  for (const file of readdirSync(folder).filter((name) => name.endsWith('_golden.json'))) {
    const { vocab, items } = JSON.parse(readFileSync(join(folder, file), 'utf8')) as { vocab: string; items: Item[] };
    const vocabulary = findVocabulary(folder, vocab);
    if (vocabulary === undefined) {
      left.push(`${file} (its vocabulary '${vocab}' is not here)`);
      continue;
    }
    const tokenizer = ClipTokenizer.load(vocabulary);
    const ours: number[] = [];
    const golden: number[] = [];
    for (const item of items) {
      const { ids, length } = tokenizer.encode(item.text);
      if (item.input_ids !== undefined) {
        ours.push(...ids);
        golden.push(...item.input_ids);
        continue;
      }
      const expected = [
        tokenizer.startId,
        ...(item.hf_ids ?? item.ids ?? []).slice(0, tokenizer.maxLength - 2),
        tokenizer.endId,
      ];
      ours.push(length, ...ids.subarray(0, length));
      golden.push(expected.length, ...expected);
    }
    report.maxAbs('CLIPTokenizer', `${file} (${items.length} prompts)`, [golden.length], ours, golden, 0);
  }
  return left;
}

/** `share/unclip-t2i/model/tokenizer` names a folder below some ancestor of the fixture: tried with ever fewer leading parts. */
function findVocabulary(folder: string, named: string): string | undefined {
  const parts = named.split('/');
  for (let base = folder; base !== dirname(base); base = dirname(base))
    for (let skip = 0; skip < parts.length; skip++) {
      const candidate = join(base, ...parts.slice(skip));
      if (existsSync(join(candidate, 'vocab.json'))) return candidate;
    }
  return undefined;
}
