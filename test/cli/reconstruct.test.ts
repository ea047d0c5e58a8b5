import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { afterAll, describe, expect, it } from 'vitest';
import { UnclipError } from '../../src/ts/util/errors.js';
import { errorLine, unclip } from '../support/cli.js';
import { readSafetensors } from '../support/safetensors.js';

const folder = mkdtempSync(join(tmpdir(), 'unclip-cli-reconstruct-'));
afterAll(() => rmSync(folder, { recursive: true }));

const model = fileURLToPath(new URL('../fixtures/dvae-small', import.meta.url));
const image = (name: string): string => join(model, 'images', name);
const run = (...args: string[]) => unclip(['reconstruct', '--model', model, '--size', '64', ...args]);
const pixels = (file: string): Promise<Buffer> => sharp(file).removeAlpha().raw().toBuffer();

interface TokenFile {
  vocabulary: number;
  pictures: { name: string; tokens: number[][] }[];
}
const readTokens = (path: string): TokenFile => JSON.parse(readFileSync(path, 'utf8'));

describe('reconstruct', () => {
  it("gives OpenAI's codes and pictures to the bit, from files to files", async () => {
    const [out, tokens] = [join(folder, 'both'), join(folder, 'tokens.json')];
    const { code, stdout, stderr } = await run(image('a.png'), image('b.png'), '--out', `${out}/`, '--tokens', tokens);
    expect(code).toBe(0);
    expect(stdout).toBe(`${join(out, 'a-reconstructed.png')}\n${join(out, 'b-reconstructed.png')}\n`);
    expect(stderr).toMatch(/a-reconstructed\.png: 64x64, 8 × 8 codes, \d+ different of 512; PSNR \d+\.\d dB/);
    const golden = readSafetensors(join(model, 'golden.safetensors'));
    const written = readTokens(tokens);
    expect(written.vocabulary).toBe(512);
    for (const [i, name] of ['a', 'b'].entries()) {
      expect(written.pictures[i]).toMatchObject({ name });
      expect(written.pictures[i]!.tokens.flat()).toEqual(golden.numbers(`${name}.tokens`));
      expect(await pixels(join(out, `${name}-reconstructed.png`))).toEqual(
        await pixels(image(`${name}_reconstruction.png`)),
      );
    }
    const again = await unclip([
      'reconstruct',
      '--model',
      model,
      '--from-tokens',
      tokens,
      '--out',
      join(folder, 'again/'),
      '-q',
    ]);
    expect(again).toMatchObject({ code: 0, stderr: '' });
    for (const name of ['a', 'b'])
      expect(readFileSync(join(folder, 'again', `${name}-reconstructed.png`))).toEqual(
        readFileSync(join(out, `${name}-reconstructed.png`)),
      );
  });

  it('gives the same from the published pickles, in either format', async () => {
    for (const encoder of ['encoder.pkl', 'encoder_legacy.pkl']) {
      const pickles = join(folder, encoder);
      mkdirSync(pickles);
      copyFileSync(join(model, encoder), join(pickles, 'encoder.pkl'));
      copyFileSync(join(model, 'decoder.pkl'), join(pickles, 'decoder.pkl'));
      const file = join(folder, `${encoder}.png`);
      const args = ['reconstruct', image('a.png'), '--model', pickles, '--size', '64', '--out', file, '--json'];
      const { code, stdout } = await unclip(args);
      expect(code).toBe(0);
      expect(JSON.parse(stdout)).toMatchObject({
        pictures: [{ file, width: 64, height: 64, tokens: { rows: 8, columns: 8 } }],
        model: { folder: pickles, vocabulary: 512 },
        dtype: 'f32',
      });
      expect(await pixels(file)).toEqual(await pixels(image('a_reconstruction.png')));
    }
  });

  it('keeps a picture whole, its sides cut to multiples of 8', async () => {
    const file = join(folder, 'whole.png');
    expect(await run(image('b.png'), '--fit', 'whole', '--out', file)).toMatchObject({ code: 0 });
    expect(await sharp(file).metadata()).toMatchObject({ width: 64, height: 88 });
  });

  it.each(['1x1', 'grey', 'alpha', 'jpeg'])('reads a picture that is %s', async (kind) => {
    const base = sharp({
      create: { width: 40, height: 50, channels: 4, background: { r: 200, g: 90, b: 10, alpha: 0.5 } },
    });
    const input = join(folder, `odd-${kind}.${kind === 'jpeg' ? 'jpg' : 'png'}`);
    if (kind === '1x1') await base.resize(1, 1).png().toFile(input);
    else if (kind === 'grey') await base.removeAlpha().greyscale().png().toFile(input);
    else await (kind === 'jpeg' ? base.removeAlpha().jpeg() : base.png()).toFile(input);
    const file = join(folder, `odd-${kind}-out.webp`);
    expect(await run(input, '--out', file)).toMatchObject({ code: 0 });
    expect(await sharp(file).metadata()).toMatchObject({ width: 64, height: 64, format: 'webp' });
  });

  it('has a model of its own, whose pictures resemble what they were', async () => {
    const input = join(folder, 'drawing.png');
    const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="200" height="160"><rect width="200" height="160" fill="#bfe3f7"/>
      <rect y="100" width="200" height="60" fill="#8fc95f"/><circle cx="100" cy="90" r="40" fill="#e02b2b"/></svg>`;
    await sharp(Buffer.from(svg)).png().toFile(input);
    const { code, stdout } = await unclip([
      'reconstruct',
      input,
      '--size',
      '128',
      '--out',
      join(folder, 'own.png'),
      '--json',
    ]);
    expect(code).toBe(0);
    const { pictures, model: own } = JSON.parse(stdout);
    expect(own).toEqual({ folder: 'dvae', vocabulary: 1024 });
    // A picture of one colour, the best single one, would be at 13 dB.
    expect(pictures[0].psnr).toBeGreaterThan(18);
  });

  it('stops when it is interrupted, with nothing written', async () => {
    const stopped = AbortSignal.abort(new UnclipError('CANCELLED', 'interrupted'));
    const file = join(folder, 'stopped.png');
    const result = await unclip(['reconstruct', image('a.png'), '--model', model, '--out', file], { signal: stopped });
    expect(result.code).toBe(130);
    expect(existsSync(file)).toBe(false);
  });
});

describe('what reconstruct refuses', () => {
  const file = (name: string, text: string | Uint8Array): string => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };
  const tokens = (rows: unknown, vocabulary = 512): string =>
    file('bad.json', JSON.stringify({ format: 'unclip-tokens', vocabulary, pictures: [{ name: 'x', tokens: rows }] }));

  it.each([
    ['no picture', () => [], 'there is no picture', 2],
    ['a size off the grid', () => [image('a.png'), '--size', '100'], 'multiple of 8', 2],
    ['a size beyond all', () => [image('a.png'), '--size', '4096'], '32 to 1024', 2],
    ['pictures and tokens', () => [image('a.png'), '--from-tokens', tokens([[1]])], 'leave one of them out', 2],
    ['a text for a picture', () => [file('x.png', 'hello')], 'none that can be read', 1],
    ['an empty picture', () => [file('empty.png', '')], 'is empty', 1],
    ['half a picture', () => [file('half.png', readFileSync(image('a.png')).subarray(0, 900))], 'cannot be decoded', 1],
    ['a picture that is not there', () => [join(folder, 'none.png')], 'does not exist', 1],
    ['tokens that are no JSON', () => ['--from-tokens', file('t.json', '{')], 'not JSON', 1],
    ['tokens of something else', () => ['--from-tokens', file('t.json', '{"a":1}')], 'holds no tokens', 1],
    ['rows of two lengths', () => ['--from-tokens', tokens([[1, 2], [3]])], 'equally long', 1],
    ['a code beyond the codebook', () => ['--from-tokens', tokens([[1, 512]])], 'codes 0 to 511', 1],
    ['a code below zero', () => ['--from-tokens', tokens([[-1]])], 'holds no tokens', 1],
    ['codes of another model', () => ['--from-tokens', tokens([[1]], 8192)], 'with 8192 codes', 1],
    ['more codes than a side may have', () => ['--from-tokens', tokens([Array(513).fill(1)])], 'holds no tokens', 1],
  ] as const)('%s', async (_, args, why, code) => {
    const result = await run(...args());
    expect(result.code).toBe(code);
    expect(errorLine(result).message).toContain(why);
  });

  it('a picture that is far too long', async () => {
    const long = join(folder, 'long.png');
    await sharp({ create: { width: 900, height: 10, channels: 3, background: 'red' } })
      .png()
      .toFile(long);
    expect(errorLine(await run(long)).message).toContain('crop it first');
  });

  it('a folder that is no dVAE', async () => {
    const empty = join(folder, 'empty');
    mkdirSync(empty);
    const args = ['reconstruct', image('a.png'), '--model'];
    expect(errorLine(await unclip([...args, empty])).code).toBe('MODEL_FILE_MISSING');
    expect(errorLine(await unclip([...args, join(folder, 'nowhere')])).code).toBe('MODEL_NOT_FOUND');
    copyFileSync(join(model, 'decoder.safetensors'), join(empty, 'decoder.safetensors'));
    copyFileSync(join(model, 'decoder.safetensors'), join(empty, 'encoder.safetensors'));
    expect(errorLine(await unclip([...args, empty])).code).toBe('MODEL_CONFIG_INVALID');
  });
});
