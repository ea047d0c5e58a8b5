import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, describe, expect, it } from 'vitest';
import { embeddingNorm } from '../../src/ts/pipelines/clip/embedding.js';
import { errorLine, unclip } from '../support/cli.js';
import { readSafetensors } from '../support/safetensors.js';
import { addTinyImageEncoder } from '../support/tiny-image-encoder.js';
import { makeTinyModel } from '../support/tiny-model.js';

const FIXTURE = join(import.meta.dirname, '..', 'fixtures', 'clip');
const MODEL = ['--model', join(FIXTURE, 'hf')];
const gray = join(FIXTURE, 'images', 'gray.png');
const portrait = join(FIXTURE, 'images', 'portrait.png');
const folder = mkdtempSync(join(tmpdir(), 'unclip-clip-cli-'));
afterAll(() => rmSync(folder, { recursive: true }));

const captions = join(folder, 'captions.txt');
writeFileSync(captions, '\ufeffa cat\r\n\n  a dog \na diagram');

describe('rank', () => {
  it('prints the captions of each picture, the best first, and the logit scale on stderr', async () => {
    const { code, stdout, stderr } = await unclip([
      'rank',
      gray,
      portrait,
      ...MODEL,
      '--captions',
      'a cat',
      'a dog',
      'x',
    ]);
    expect(code).toBe(0);
    const blocks = stdout.trimEnd().split('\n\n');
    expect(blocks.map((b) => b.split('\n')[0])).toEqual([gray, portrait]);
    for (const block of blocks) {
      const rows = block
        .split('\n')
        .slice(2)
        .map((row) => row.trim().split(/\s{2,}/));
      expect(rows.map((row) => row[2]).sort()).toEqual(['a cat', 'a dog', 'x']);
      const cosines = rows.map((row) => Number(row[1]));
      expect(cosines).toEqual([...cosines].sort((a, b) => b - a));
      expect(rows.reduce((sum, row) => sum + Number.parseFloat(row[0]!), 0)).toBeCloseTo(100, 0);
    }
    expect(stderr).toContain('softmax of 7.38906 · cosine (the checkpoint');
  });

  it('reads captions from a file and prints one JSON document', async () => {
    const { code, stdout } = await unclip(['rank', gray, ...MODEL, '--captions', captions, '--json', '--top', '2']);
    expect(code).toBe(0);
    const json = JSON.parse(stdout);
    expect(json).toMatchObject({
      logitScale: { value: expect.closeTo(Math.exp(2), 4), stated: true },
      model: { path: MODEL[1], layout: 'transformers', hash: expect.stringMatching(/^[0-9a-f]{16}$/) },
    });
    expect(json.pictures).toHaveLength(1);
    expect(json.pictures[0].picture).toBe(gray);
    expect(json.pictures[0].captions).toHaveLength(2);
    for (const { caption, index } of json.pictures[0].captions)
      expect(caption).toBe(['a cat', 'a dog', 'a diagram'][index]);
  });

  it('says of the bundled model that it has no logit scale of its own, and what it has never seen', async () => {
    const { stderr } = await unclip(['rank', gray, '--captions', 'a zebra', 'a red ball']);
    expect(stderr).toContain('never seen: zebra');
    expect(stderr).toMatch(/probability: softmax of [\d.]+ · cosine/);
  });

  it('refuses command lines that cannot be meant so, before a model is opened', async () => {
    const noModel = ['--model', join(folder, 'nowhere')];
    const empty = join(folder, 'empty.txt');
    writeFileSync(empty, '\n \n');
    const picture = join(folder, 'a.png');
    copyFileSync(gray, picture);
    mkdirSync(join(folder, 'sub'), { recursive: true });
    const usage: [string[], string][] = [
      [['--captions', 'x'], 'there is no picture'],
      [[gray], '--captions'],
      [[gray, '--captions', empty], 'no text in it'],
      [[gray, '--captions', join(folder, 'none.txt')], 'there is no file'],
      [[gray, '--captions', 'a ball', picture], 'put pictures before --captions'],
      [[gray, '--captions', picture], 'no UTF-8 text'],
      [[gray, '--captions', 'x', '--top', '0'], '--top'],
    ];
    for (const [args, message] of usage) {
      const result = await unclip(['rank', ...noModel, ...args]);
      expect(result.code, message).toBe(2);
      expect(errorLine(result)).toMatchObject({ code: 'INPUT_INVALID', message: expect.stringContaining(message) });
    }
    const pictures: [string, string][] = [
      [join(folder, 'none.png'), 'does not exist'],
      [join(folder, 'sub'), 'is a folder'],
      [captions, 'none that can be read'],
      ['/dev/null', 'not a file'],
    ];
    for (const [path, message] of pictures) {
      const result = await unclip(['rank', gray, path, ...noModel, '--captions', 'x']);
      expect(result.code).toBe(1);
      expect(errorLine(result)).toMatchObject({
        code: 'INPUT_PICTURE_INVALID',
        message: expect.stringContaining(message),
      });
    }
    expect(errorLine(await unclip(['rank', gray, ...noModel, '--captions', 'x'])).code).toBe('MODEL_NOT_FOUND');
  });

  it('stops at Ctrl-C', async () => {
    const result = await unclip(['rank', gray, ...MODEL, '--captions', 'x'], { signal: AbortSignal.abort() });
    expect(result).toMatchObject({ stdout: '' });
    expect(result.code).not.toBe(0);
  });
});

describe('embed', () => {
  it('writes the same embeddings as JSON and as safetensors', async () => {
    const args = ['embed', gray, portrait, ...MODEL, '--texts', 'a cat', 'a dog', 'x'];
    const printed = JSON.parse((await unclip(args)).stdout);
    const file = join(folder, 'new', 'e.safetensors');
    expect(await unclip([...args, '--out', file, '-q'])).toEqual({ code: 0, stdout: `${file}\n`, stderr: '' });
    const stored = readSafetensors(file);
    expect(stored.names).toEqual(['texts', 'pictures']);
    expect(stored.get('texts').shape).toEqual([3, 32]);
    expect(stored.get('pictures').shape).toEqual([2, 32]);
    expect(JSON.parse(stored.metadata.pictures!)).toEqual([gray, portrait]);
    expect(JSON.parse(stored.metadata.texts!)).toEqual(['a cat', 'a dog', 'x']);
    expect(JSON.parse(stored.metadata.about!)).toMatchObject({ normalized: false, width: 32 });
    for (const group of ['texts', 'pictures'] as const)
      expect(Float32Array.from(printed[group].flatMap((e: { embedding: number[] }) => e.embedding))).toEqual(
        stored.f32(group),
      );
    const json = join(folder, 'e.json');
    await unclip([...args, '--out', json]);
    expect(JSON.parse(readFileSync(json, 'utf8')).texts).toEqual(printed.texts);
  });

  it('scales to length 1 on request, and leaves out what was not asked for', async () => {
    const file = join(folder, 'n.safetensors');
    const { stderr } = await unclip(['embed', ...MODEL, '--texts', captions, '--normalize', '--out', file]);
    expect(stderr).toMatch(/^3 texts and 0 pictures; /);
    const stored = readSafetensors(file);
    expect(stored.names).toEqual(['texts']);
    const values = stored.f32('texts');
    for (let row = 0; row < 3; row++) expect(embeddingNorm(values.slice(row * 32, (row + 1) * 32))).toBeCloseTo(1, 6);
  });

  it('refuses nothing to embed and other files, and writes none', async () => {
    const out = join(folder, 'e.txt');
    expect(errorLine(await unclip(['embed', ...MODEL])).message).toContain('nothing to embed');
    expect(errorLine(await unclip(['embed', gray, ...MODEL, '--out', out])).message).toContain('.safetensors');
    expect(errorLine(await unclip(['embed', gray, join(folder, 'no.png'), ...MODEL])).code).toBe(
      'INPUT_PICTURE_INVALID',
    );
    expect(existsSync(out)).toBe(false);
  });
});

describe('generate --candidates', () => {
  const tiny = join(folder, 'tiny');
  makeTinyModel(tiny);
  addTinyImageEncoder(tiny);
  const few = ['--model', tiny, '--prior-steps', '2', '--decoder-steps', '2', '--sr-steps', '2', '--seed', '5'];

  it('writes the kept pictures alone, tells all scores, and can draw each again by its seed', async () => {
    const out = join(folder, 'best/');
    const args = ['generate', 'a red ball', 'a blue car', ...few];
    const { code, stdout } = await unclip([...args, '--candidates', '3', '--keep', '2', '--out', out, '--json']);
    expect(code).toBe(0);
    const { pictures, candidates } = JSON.parse(stdout);
    expect(candidates.map((c: { prompt: string }) => c.prompt)).toEqual(['a red ball', 'a blue car']);
    for (const { prompt, candidates: scored } of candidates) {
      expect(scored.map((c: { seed: number }) => c.seed)).toEqual([5, 6, 7]);
      const kept = scored.filter((c: { kept: boolean }) => c.kept).map((c: { cosine: number }) => c.cosine);
      const own = pictures.filter((p: { prompt: string }) => p.prompt === prompt);
      expect(own.map((p: { parameters: { cosine: number } }) => p.parameters.cosine).sort()).toEqual(kept.sort());
    }
    const [first] = pictures;
    const again = join(folder, 'again.png');
    await unclip(['generate', '--from', first.file, '--out', again, '-q']);
    const pixels = (file: string) => sharp(file).raw().toBuffer();
    expect((await pixels(again)).equals(await pixels(first.file))).toBe(true);
  });

  it('prints the scores for people', async () => {
    const one = ['--candidates', '2', '--out', join(folder, 'one.png')];
    const { stdout, stderr } = await unclip(['generate', 'a red ball', ...few, ...one]);
    expect(stdout).toBe(`${join(folder, 'one.png')}\n`);
    expect(stderr).toMatch(/candidates of 'a red ball'\nseed +cosine\n +[56] +-?0\.\d{4} +kept\n +[56] +-?0\.\d{4}\n/);
  });

  it.each([
    [['--keep', '2'], '--keep needs --candidates'],
    [['--candidates', '2', '--keep', '3'], 'no more can be kept'],
    [['--candidates', '2', '-n', '2'], 'exclude each other'],
    [['--candidates', '2', '--save-steps'], 'exclude each other'],
  ])('refuses %j', async (args, message) => {
    const result = await unclip(['generate', 'a red ball', ...args]);
    expect(result.code).toBe(2);
    expect(errorLine(result).message).toContain(message);
  });
});
