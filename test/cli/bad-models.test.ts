import { cpSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { errorLine, unclip } from '../support/cli.js';
import { safetensorsBytes } from '../support/safetensors-writer.js';
import { makeTinyModel } from '../support/tiny-model.js';

const folder = mkdtempSync(join(tmpdir(), 'unclip-cli-bad-models-'));
const good = join(folder, 'good');

beforeAll(() => makeTinyModel(good));

const DECODER = 'decoder/diffusion_pytorch_model.safetensors';

type Json = Record<string, unknown>;

function editJson(path: string, edit: (json: Json) => void): void {
  const json = JSON.parse(readFileSync(path, 'utf8')) as Json;
  edit(json);
  writeFileSync(path, JSON.stringify(json));
}

/** Edits the header of a safetensors file; the tensors' bytes stay as they are. */
function editHeader(path: string, edit: (header: Record<string, Json>) => void): void {
  const bytes = readFileSync(path);
  const length = Number(bytes.readBigUInt64LE(0));
  const header = JSON.parse(bytes.toString('utf8', 8, 8 + length)) as Record<string, Json>;
  edit(header);
  const text = Buffer.from(JSON.stringify(header));
  const prefix = Buffer.alloc(8);
  prefix.writeBigUInt64LE(BigInt(text.length));
  writeFileSync(path, Buffer.concat([prefix, text, bytes.subarray(8 + length)]));
}

const CASES: readonly (readonly [what: string, code: string, spoil: (model: string) => void])[] = [
  ['a truncated safetensors file', 'MODEL_FILE_INVALID', (m) => truncateSync(join(m, DECODER), 5000)],
  ['an empty safetensors file', 'MODEL_FILE_INVALID', (m) => truncateSync(join(m, DECODER), 0)],
  ['a missing weight file', 'MODEL_FILE_MISSING', (m) => rmSync(join(m, DECODER))],
  ['a file without the tensors', 'MODEL_TENSOR_MISSING', (m) => writeFileSync(join(m, DECODER), safetensorsBytes({}))],
  [
    'a tensor of another shape',
    'MODEL_TENSOR_SHAPE',
    (m) =>
      editHeader(join(m, DECODER), (header) => {
        (header['conv_in.weight']!.shape as number[]).reverse();
      }),
  ],
  [
    'a tensor of another name',
    'MODEL_TENSOR_MISSING',
    (m) =>
      editHeader(join(m, DECODER), (header) => {
        header['conv_im.weight'] = header['conv_in.weight']!;
        delete header['conv_in.weight'];
      }),
  ],
  [
    'a config with an unknown key',
    'MODEL_CONFIG_INVALID',
    (m) =>
      editJson(join(m, 'prior/config.json'), (json) => {
        json.colour = 'red';
      }),
  ],
  [
    'a scheduler that is not supported',
    'MODEL_CONFIG_INVALID',
    (m) =>
      editJson(join(m, 'decoder_scheduler/scheduler_config.json'), (json) => {
        json.beta_schedule = 'linear';
      }),
  ],
  ['a config that is no JSON', 'MODEL_FILE_INVALID', (m) => writeFileSync(join(m, 'prior/config.json'), '{')],
  ['no model_index.json', 'MODEL_FILE_MISSING', (m) => rmSync(join(m, 'model_index.json'))],
  ['no tokenizer', 'MODEL_FILE_MISSING', (m) => rmSync(join(m, 'tokenizer/vocab.json'))],
  ['an unclip.json without its name', 'MODEL_CONFIG_INVALID', (m) => writeFileSync(join(m, 'unclip.json'), '{}')],
];

describe('a model folder with a fault', () => {
  it.each(CASES)('%s: %s', async (_, code, spoil) => {
    const model = mkdtempSync(join(folder, 'bad-'));
    cpSync(good, model, { recursive: true });
    spoil(model);
    const out = join(folder, 'out/');
    for (const args of [
      ['generate', 'x', '--model', model, '--out', out],
      ['inspect', model],
    ]) {
      const result = await unclip(args);
      expect(result.code).toBe(1);
      expect(result.stdout).toBe('');
      expect(errorLine(result).code).toBe(code);
    }
  });
});
