import { mkdtempSync, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { beforeAll, describe, expect, it } from 'vitest';
import { readPictureParameters } from '../../src/ts/image/parameters.js';
import { UnclipError } from '../../src/ts/util/errors.js';
import { errorLine, unclip } from '../support/cli.js';
import { makeTinyModel } from '../support/tiny-model.js';

const folder = mkdtempSync(join(tmpdir(), 'unclip-cli-sets-'));
const model = join(folder, 'model');
const picture = join(folder, 'My Photo.png');
const grey = join(folder, 'grey.jpg');
const QUICK = ['--model', model, '--decoder-steps', '3', '--sr-steps', '2', '--seed', '7'];

beforeAll(async () => {
  makeTinyModel(model, { pictures: 'also' });
  const size = { width: 37, height: 21, channels: 4 as const };
  const pixels = Buffer.from(Array.from({ length: 37 * 21 * 4 }, (_, i) => (i * 37) % 251));
  await sharp(pixels, { raw: size }).png().toFile(picture);
  await sharp(pixels, { raw: size }).removeAlpha().greyscale().jpeg().toFile(grey);
});

describe('vary', () => {
  it('writes numbered pictures and a sheet that begins with the picture', async () => {
    const out = join(folder, 'vary');
    const { code, stdout } = await unclip(['vary', picture, '-n', '3', ...QUICK, '--out', out, '-q']);
    expect(code).toBe(0);
    const names = ['01', '02', '03', 'sheet'].map((name) => `my-photo-variation-7-${name}.png`);
    expect(stdout).toBe(names.map((name) => `${join(out, name)}\n`).join(''));
    expect(readdirSync(out).sort()).toEqual(names);
    const { width, height } = await sharp(join(out, names[3]!)).metadata();
    expect([width, height]).toEqual([4 + 4 * 36, 4 + 36]);
  });

  it('writes the command that makes the picture again, and generate tells it', async () => {
    const out = join(folder, 'one.webp');
    await unclip(['vary', picture, ...QUICK, '--strength', '0.5', '--out', out, '-q']);
    const command = `unclip vary 'My Photo.png' --strength 0.5 --decoder-steps 3 --sr-steps 2 --model ${model} --seed 7`;
    const { operation, strength, seed, ...rest } = (await readPictureParameters(out))!;
    expect({ operation, strength, seed, command: rest.command }).toEqual({
      operation: 'vary',
      strength: 0.5,
      seed: 7,
      command,
    });
    const again = await unclip(['generate', '--from', out]);
    expect(again.code).toBe(2);
    expect(errorLine(again).message).toContain(command);
  });

  it.each([
    ['a picture that is not there', ['vary', join(folder, 'none.png')], 1],
    ['no picture', ['vary'], 2],
    ['too much strength', ['vary', picture, '--strength', '1.1'], 2],
    ['a model that reads no pictures', ['vary', picture, '--model', join(folder, 'blind')], 1],
    ['one part', ['blend', picture], 1],
    ['a mistyped picture in a blend', ['blend', picture, 'grey.jpgg.png'], 1],
    ['steering from nowhere', ['steer', picture, '--to', 'a car'], 2],
    ['one frame', ['blend', picture, grey, '--frames', '1'], 2],
  ])('refuses %s in one line', async (_, args, code) => {
    if (args.includes(join(folder, 'blind'))) makeTinyModel(join(folder, 'blind'));
    const out = join(folder, 'refused');
    const given = args.includes('--model') ? args : [...args, '--model', model];
    const result = await unclip([...given, '--out', out, '-q']);
    expect([result.code, result.stdout]).toEqual([code, '']);
    expect(errorLine(result).code).toMatch(/^(INPUT|MODEL)_/);
    expect(readdirSync(folder)).not.toContain('refused');
  });
});

describe('blend and steer', () => {
  it('write frames of one stem, a sheet and an animation there and back', async () => {
    const out = join(folder, 'blend');
    const args = ['blend', picture, 'a red ball', grey, '--frames', '4', '--prior-steps', '2', ...QUICK];
    for (const run of [1, 2]) {
      const { code, stdout } = await unclip([...args, '--out', out, '--json', '--invert', '--animation', 'gif']);
      expect(code).toBe(0);
      const json = JSON.parse(stdout);
      const stem = join(out, `my-photo-to-a-red-ball-to-grey-7${run === 1 ? '' : '-2'}`);
      expect(json.pictures.map(({ file }: { file: string }) => file)).toEqual(
        ['01', '02', '03', '04'].map((k) => `${stem}-${k}.png`),
      );
      expect([json.sheet, json.animation]).toEqual([`${stem}-sheet.png`, `${stem}-animated.gif`]);
    }
    const animation = readdirSync(out).find((name) => name.endsWith('.gif'))!;
    expect((await sharp(join(out, animation)).metadata()).pages).toBe(6);
  });

  it('keep finished frames when interrupted', async () => {
    const out = join(folder, 'interrupted');
    const interrupt = new AbortController();
    const args = ['steer', picture, '--from', 'a ball', '--to', 'a car', '--batch-size', '1', ...QUICK, '--out', out];
    const result = await unclip(args, {
      signal: interrupt.signal,
      onStderr: (text) => {
        if (text.includes('picture 3 of 6, text')) interrupt.abort(new UnclipError('CANCELLED', 'interrupted'));
      },
    });
    expect(result.code).toBe(130);
    expect(result.stderr).toMatch(/inversion: /);
    expect(result.stderr).toMatch(/2 of 6 pictures were finished and are kept\n$/);
    expect(readdirSync(out)).toHaveLength(2);
  });
});
