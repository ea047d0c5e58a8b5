import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeOpenAiNames } from '../../src/ts/parity/openai-names.js';
import { Clip } from '../../src/ts/pipelines/clip/clip.js';
import { ClipModel } from '../../src/ts/pipelines/clip/clip-model.js';
import { cosineSimilarity, embeddingNorm, normalized } from '../../src/ts/pipelines/clip/embedding.js';
import { Unclip } from '../../src/ts/pipelines/unclip.js';
import { packageRoot } from '../../src/ts/util/package-root.js';
import { readSafetensors } from '../support/safetensors.js';
import { f32Tensor, safetensorsBytes, writeSafetensors } from '../support/safetensors-writer.js';
import { addTinyImageEncoder } from '../support/tiny-image-encoder.js';
import { makeTinyModel } from '../support/tiny-model.js';

const FIXTURE = join(import.meta.dirname, '..', 'fixtures', 'clip');
const BUNDLED = join(packageRoot(), 'models', 'bundled');
const HF = join(FIXTURE, 'hf');
const scratch = mkdtempSync(join(tmpdir(), 'unclip-clip-'));
const openai = join(scratch, 'openai');
const diffusers = join(scratch, 'diffusers');
const pictures = ['landscape', 'gray', 'portrait', 'small'].map((name) => join(FIXTURE, 'images', `${name}.png`));
const texts = ['a photo of a cat', '', 'two dogs in the snow', 'x', 'a diagram', 'X'];

const loaded: Clip[] = [];
const load = async (folder: string, options: Parameters<typeof Clip.load>[1] = {}): Promise<Clip> => {
  const clip = await Clip.load(folder, { dtype: 'f32', ...options });
  loaded.push(clip);
  return clip;
};

beforeAll(() => {
  cpSync(HF, openai, { recursive: true });
  rmSync(join(openai, 'config.json'));
  rmSync(join(openai, 'preprocessor_config.json'));
  writeOpenAiNames(HF, openai);
  makeDiffusers();
});

afterAll(async () => {
  for (const clip of loaded) await clip.dispose();
  rmSync(scratch, { recursive: true });
});

/** The fixture's towers as text_encoder/ and image_encoder/ of an unCLIP folder. */
function makeDiffusers(): void {
  const model = readSafetensors(join(HF, 'model.safetensors'));
  const config = JSON.parse(readFileSync(join(HF, 'config.json'), 'utf8'));
  const pick = (prefixes: readonly string[]) =>
    Object.fromEntries(
      model.names
        .filter((name) => prefixes.some((p) => name.startsWith(p)) && !name.endsWith('position_ids'))
        .map((name) => [name, f32Tensor(model.get(name).shape, model.f32(name))]),
    );
  const part = (name: string, tower: 'text' | 'vision', prefixes: readonly string[]): void => {
    cpSync(HF, join(diffusers, name), { recursive: true });
    const { hidden_size, intermediate_size, num_hidden_layers, num_attention_heads } = config[`${tower}_config`];
    const rest = tower === 'text' ? { vocab_size: 914 } : { image_size: 56, patch_size: 14 };
    const own = { hidden_size, intermediate_size, num_hidden_layers, num_attention_heads, projection_dim: 32, ...rest };
    writeFileSync(join(diffusers, name, 'config.json'), JSON.stringify(own));
    writeSafetensors(join(diffusers, name, 'model.safetensors'), pick(prefixes));
  };
  part('text_encoder', 'text', ['text_']);
  part('image_encoder', 'vision', ['vision_', 'visual_']);
  for (const name of ['tokenizer', 'feature_extractor']) cpSync(HF, join(diffusers, name), { recursive: true });
}

const refused = (code: string, message = '') =>
  expect.objectContaining({ name: 'UnclipError', code, message: expect.stringContaining(message) });

describe('Clip', () => {
  it('gives the same embeddings from all three layouts, and OpenAI crops as torchvision does', async () => {
    const clips = [await load(HF), await load(diffusers), await load(openai)];
    // landscape.png is cropped one pixel further to the right by torchvision.
    const same = pictures.slice(1);
    const [a, b, c] = await Promise.all(clips.map((clip) => clip.embed({ texts, pictures: same })));
    expect(b).toEqual(a);
    expect(c).toEqual(a);
    const [one, two] = await Promise.all(
      [clips[0]!, clips[2]!].map((clip) => clip.embed({ pictures: [pictures[0]!] })),
    );
    expect(one).not.toEqual(two);
    expect(clips[0]!.model.logitScale).toEqual(clips[2]!.model.logitScale);
    expect(clips[0]!.model.logitScale.stated).toBe(true);
    expect(clips[1]!.model.logitScale).toEqual({ value: 100, stated: false });
  });

  it('does not let company change an embedding, to the bit', async () => {
    const clip = await load(HF);
    const together = await clip.embed({ texts, pictures: [...pictures, ...pictures] });
    for (const [i, text] of texts.entries())
      expect((await clip.embed({ texts: [text] })).texts[0]).toEqual(together.texts[i]);
    for (const [i, picture] of pictures.entries()) {
      const alone = (await clip.embed({ pictures: [readFileSync(picture)] })).pictures[0];
      expect(alone).toEqual(together.pictures[i]);
      expect(alone).toEqual(together.pictures[i + pictures.length]);
    }
  });

  it('ranks captions by cosine, with probabilities that sum to one', async () => {
    const clip = await load(HF);
    const captions = [...texts, 'a diagram'];
    const { pictures: ranks, logitScale } = await clip.rank({ pictures, captions });
    const { texts: t, pictures: p } = await clip.embed({ texts: captions, pictures });
    expect(ranks).toHaveLength(pictures.length);
    for (const [i, rank] of ranks.entries()) {
      expect(rank.map((r) => r.index).sort()).toEqual(captions.map((_, k) => k));
      expect(rank.reduce((sum, r) => sum + r.probability, 0)).toBeCloseTo(1, 12);
      for (const [k, r] of rank.entries()) {
        expect(r.caption).toBe(captions[r.index]);
        expect(r.cosine).toBe(cosineSimilarity(p[i]!, t[r.index]!));
        if (k > 0) expect(rank[k - 1]!.cosine).toBeGreaterThanOrEqual(r.cosine);
        expect(r.probability / rank[0]!.probability).toBeCloseTo(
          Math.exp(logitScale.value * (r.cosine - rank[0]!.cosine)),
          10,
        );
      }
      // The same caption twice: as likely, and in its order.
      const twins = rank.filter((r) => r.caption === 'a diagram');
      expect(twins.map((r) => r.index)).toEqual([4, 6]);
      expect(twins[0]!.probability).toBe(twins[1]!.probability);
    }
  });

  it('keeps within 1 % in 8 bits', async () => {
    const whole = await (await load(openai)).embed({ texts, pictures });
    const eighths = await (await load(openai, { weights: 'q8' })).embed({ texts, pictures });
    for (const kind of ['texts', 'pictures'] as const)
      for (const [i, e] of whole[kind].entries()) {
        expect(eighths[kind][i]).not.toEqual(e);
        expect(cosineSimilarity(e, eighths[kind][i]!)).toBeGreaterThan(0.999);
      }
  });

  it('refuses what is empty, no picture or cancelled, and goes on', async () => {
    const clip = await load(HF);
    await expect(clip.rank({ pictures: [], captions: ['x'] })).rejects.toThrow(refused('INPUT_INVALID', 'pictures'));
    await expect(clip.rank({ pictures, captions: [] })).rejects.toThrow(refused('INPUT_INVALID', 'captions'));
    await expect(clip.embed({ pictures: [Buffer.from('no')] })).rejects.toThrow(refused('INPUT_PICTURE_INVALID'));
    await expect(clip.embed({ texts: [7 as unknown as string] })).rejects.toThrow(refused('INPUT_INVALID'));
    await expect(clip.embed({ texts, signal: AbortSignal.abort() })).rejects.toThrow(refused('CANCELLED'));
    const stop = new AbortController();
    const counts: number[] = [];
    const onBatch = (done: number, total: number): void => {
      counts.push(done, total);
      stop.abort();
    };
    const many = Array.from({ length: 40 }, (_, i) => `${i}`);
    await expect(clip.embed({ texts: many, signal: stop.signal, onBatch })).rejects.toThrow(refused('CANCELLED'));
    expect(counts).toEqual([clip.adapter.software ? 4 : 16, 40]);
    expect((await clip.embed({ texts: ['x'] })).texts).toHaveLength(1);
    await clip.dispose();
    await expect(clip.embed({ texts })).rejects.toThrow(refused('INPUT_INVALID', 'disposed'));
  });
});

describe('Unclip', () => {
  it('embeds and ranks with the CLIP of its own checkpoint', async () => {
    const unclip = await Unclip.load(BUNDLED, { dtype: 'f32' });
    const clip = await load(BUNDLED);
    const captions = ['a red ball on the grass', 'a blue sofa in a living room'];
    const request = { pictures: pictures.slice(0, 2), captions };
    expect(await unclip.rank(request)).toEqual(await clip.rank(request));
    expect(await unclip.embed({ texts })).toEqual(await clip.embed({ texts }));
    await unclip.dispose();
    await expect(unclip.embed({ texts })).rejects.toThrow(refused('INPUT_INVALID', 'disposed'));
  });
});

describe('ClipModel.open', () => {
  it('opens a safetensors file by itself, beside its tokenizer', () => {
    const model = ClipModel.open(join(openai, 'model.safetensors'));
    expect(model).toMatchObject({ layout: 'openai', width: 32 });
    model.close();
  });

  it('embeds texts of a model that has no image encoder, and says what is missing for pictures', async () => {
    const folder = join(scratch, 'tiny');
    makeTinyModel(folder);
    const clip = await load(folder);
    expect((await clip.embed({ texts: ['a cat'] })).texts[0]).toHaveLength(16);
    await expect(clip.rank({ pictures, captions: ['a cat'] })).rejects.toThrow(
      refused('MODEL_CONFIG_INVALID', 'image_encoder'),
    );
  });

  it('says what is wrong with a folder', () => {
    const changed = (name: string, change: (folder: string) => void, from = HF): string => {
      const folder = join(scratch, name);
      cpSync(from, folder, { recursive: true });
      change(folder);
      return folder;
    };
    const json = (file: string, values: object) => (folder: string) =>
      writeFileSync(
        join(folder, file),
        JSON.stringify({ ...JSON.parse(readFileSync(join(HF, file), 'utf8')), ...values }),
      );
    const tensors = (extra: Record<string, [number[], number[]]>) => (folder: string) => {
      const model = readSafetensors(join(openai, 'model.safetensors'));
      const all = Object.fromEntries(model.names.map((n) => [n, f32Tensor(model.get(n).shape, model.f32(n))]));
      for (const [n, [shape, data]] of Object.entries(extra)) all[n] = f32Tensor(shape, data);
      writeFileSync(join(folder, 'model.safetensors'), safetensorsBytes(all));
    };
    const cases: [string, string, string][] = [
      [join(scratch, 'nowhere'), 'MODEL_NOT_FOUND', 'nowhere'],
      [changed('empty', (f) => rmSync(join(f, 'model.safetensors'))), 'MODEL_FILE_MISSING', 'safetensors'],
      [changed('no-config', (f) => rmSync(join(f, 'config.json'))), 'MODEL_CONFIG_INVALID', 'no CLIP'],
      [changed('no-tokenizer', (f) => rmSync(join(f, 'vocab.json'))), 'MODEL_FILE_MISSING', 'vocab.json'],
      [changed('crop', json('preprocessor_config.json', { crop_size: 40 })), 'MODEL_CONFIG_INVALID', '40x40'],
      [changed('length', json('tokenizer_config.json', { model_max_length: 64 })), 'MODEL_CONFIG_INVALID', '64 tokens'],
      [changed('ids', json('vocab.json', { zebra: 2000 })), 'MODEL_CONFIG_INVALID', '2001 ids'],
      [changed('other', json('config.json', { projection_dim: 31 })), 'MODEL_TENSOR_SHAPE', 'projection'],
      [changed('surplus', tensors({ 'visual.extra': [[1], [1]] }), openai), 'MODEL_CONFIG_INVALID', 'visual.extra'],
      [changed('scale', tensors({ logit_scale: [[], [800]] }), openai), 'MODEL_TENSOR_DTYPE', 'logit_scale'],
      [
        changed('shape', tensors({ text_projection: [[32, 64], new Array(2048).fill(0)] }), openai),
        'MODEL_TENSOR_SHAPE',
        'text_projection is [32, 64]',
      ],
    ];
    for (const [folder, code, message] of cases)
      expect(() => ClipModel.open(folder), folder).toThrow(refused(code, message));
  });
});

describe('embeddings', () => {
  it('have length 1 when normalised, and cosines within bounds', () => {
    const e = Float32Array.of(3, -4, 0);
    expect(embeddingNorm(normalized(e))).toBeCloseTo(1, 7);
    expect(normalized(new Float32Array(3))).toEqual(new Float32Array(3));
    expect(cosineSimilarity(e, e)).toBe(1);
    expect(cosineSimilarity(e, Float32Array.of(-3, 4, 0))).toBe(-1);
    expect(cosineSimilarity(e, Float32Array.of(4, 3, 0))).toBe(0);
    expect(cosineSimilarity(e, new Float32Array(3))).toBe(0);
  });
});

describe('Unclip.generateBest', () => {
  const request = { prompt: 'a red panda', seed: 7, priorSteps: 2, decoderSteps: 3, superResSteps: 2 };

  it('keeps the candidates whose cosine is best, each the picture of its own seed', async () => {
    const folder = join(scratch, 'with-pictures');
    makeTinyModel(folder);
    addTinyImageEncoder(folder);
    const unclip = await Unclip.load(folder, { dtype: 'f32', batchSize: 2 });
    const told: string[] = [];
    const best = await unclip.generateBest({
      ...request,
      candidates: 3,
      keep: 2,
      onProgress: ({ stage, done, total }) => void told.push(`${stage} ${done}/${total}`),
    });
    const all = await unclip.generate({ ...request, n: 3 });
    const { texts: t, pictures: p } = await unclip.embed({
      texts: [request.prompt],
      pictures: all.images.map(({ width, height, data }) => ({ width, height, channels: 4, data })),
    });
    const cosines = p.map((e) => cosineSimilarity(t[0]!, e));
    expect(best.candidates.map((c) => c.cosine)).toEqual(cosines);
    expect(best.candidates.map((c) => c.seed)).toEqual([7, 8, 9]);
    const order = [0, 1, 2].sort((a, b) => cosines[b]! - cosines[a]!).slice(0, 2);
    expect(best.images.map((image) => image.seed)).toEqual(order.map((k) => 7 + k));
    for (const [rank, k] of order.entries()) {
      expect(best.images[rank]!.data).toEqual(all.images[k]!.data);
      expect(best.images[rank]!.parameters).toEqual({
        ...all.images[k]!.parameters,
        candidates: 3,
        cosine: cosines[k],
      });
    }
    expect(best.candidates.filter((c) => c.kept)).toHaveLength(2);
    expect(told).toContain('decoder 0/3');
    expect(told).toContain('decoder 2/3');
    for (const [wrong, message] of [
      [{ keep: 4 }, 'keep is 4'],
      [{ keep: 0 }, 'keep is 0'],
      [{ candidates: 0 }, 'n is 0'],
    ] as const)
      await expect(unclip.generateBest({ ...request, candidates: 3, ...wrong })).rejects.toThrow(
        refused('INPUT_INVALID', message),
      );
    await expect(unclip.generateBest({ ...request, candidates: 3, signal: AbortSignal.abort() })).rejects.toThrow(
      refused('CANCELLED'),
    );
    await unclip.dispose();
  });
});
