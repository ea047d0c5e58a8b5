import { existsSync, mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { beforeAll, describe, expect, it } from 'vitest';
import { readPictureParameters } from '../../src/ts/image/parameters.js';
import { UnclipError } from '../../src/ts/util/errors.js';
import { errorLine, unclip } from '../support/cli.js';
import { makeTinyModel } from '../support/tiny-model.js';

const folder = mkdtempSync(join(tmpdir(), 'unclip-cli-generate-'));
const model = join(folder, 'model');
const other = join(folder, 'other');
const FEW_STEPS = ['--prior-steps', '2', '--decoder-steps', '3', '--sr-steps', '2'];

const info = {
  name: 'tiny',
  defaults: { priorSteps: 3, decoderSteps: 4, superResSteps: 2, priorGuidanceScale: 2, decoderGuidanceScale: 3 },
  vocabulary: ['a', 'red', 'ball', 'on', 'the', 'grass'],
  world: { things: ['ball'], colours: ['red'], places: ['grass'] },
};

beforeAll(() => {
  makeTinyModel(model, { info });
  makeTinyModel(other, { seed: 2 });
});

const draw = (...args: string[]) => unclip(['generate', '--model', model, ...FEW_STEPS, ...args]);

const pixels = (file: string): Promise<Buffer> => sharp(file).raw().toBuffer();

describe('generate', () => {
  it('prints the paths, and on stderr a line a stage, adapter and times', async () => {
    const out = join(folder, 'plain');
    const { code, stdout, stderr } = await draw('A red ball!', '--seed', '7', '--out', out);
    expect(code).toBe(0);
    expect(stdout).toBe(`${join(out, 'a-red-ball-7.png')}\n`);
    expect(stderr).toMatch(/^load: /);
    for (const stage of ['text: ', 'prior: 2 steps', 'decoder: 3 steps', 'upsampler: 2 steps'])
      expect(stderr).toContain(stage);
    expect(stderr).toMatch(/, f(32|16)\nload \d+ ms, text \d+ ms, prior \d+ ms, decoder \d+ ms/);
    expect(readdirSync(out)).toEqual(['a-red-ball-7.png']);
    expect(await sharp(join(out, 'a-red-ball-7.png')).metadata()).toMatchObject({ format: 'png', width: 32 });
  });

  it('prints one JSON document and nothing else with --json', async () => {
    const out = join(folder, 'json/');
    const { code, stdout } = await draw('a red ball', 'the grass', '-n', '2', '--seed', '7', '--out', out, '--json');
    expect(code).toBe(0);
    const json = JSON.parse(stdout);
    expect(json.pictures.map((p: { prompt: string; seed: number }) => [p.prompt, p.seed])).toEqual([
      ['a red ball', 7],
      ['a red ball', 8],
      ['the grass', 7],
      ['the grass', 8],
    ]);
    expect(json).toMatchObject({
      model: { folder: model, name: 'tiny', hash: expect.stringMatching(/^[0-9a-f]{16}$/) },
      adapter: { name: expect.any(String), software: expect.any(Boolean), features: expect.any(Array) },
      dtype: expect.stringMatching(/^f(32|16)$/),
      unknownWords: [],
      totalMs: expect.any(Number),
    });
    expect(json.timings.map((t: { stage: string }) => t.stage)).toEqual(
      expect.arrayContaining(['load', 'text', 'prior', 'decoder', 'superRes', 'files']),
    );
    for (const { file, parameters } of json.pictures) expect(await readPictureParameters(file)).toEqual(parameters);
    expect(json.pictures[0].parameters).toMatchObject({
      steps: { prior: 2, decoder: 3, superRes: 2 },
      guidance: { prior: 2, decoder: 3 },
    });
  });

  it('makes the same picture again from the picture', async () => {
    const out = join(folder, 'from');
    const sampling = ['--sampler', 'ddim', '--spacing', 'uniform', '--eta', '0.5'];
    await draw('a red ball', '-n', '2', '--seed', '40', '--out', out, '-q', '--prior-guidance', '1.5', ...sampling);
    const first = join(out, 'a-red-ball-41.png');
    expect(await readPictureParameters(first)).toMatchObject({ sampler: 'ddim', spacing: 'uniform', eta: 0.5 });
    const again = join(out, 'again.png');
    expect(await unclip(['generate', '--from', first, '--out', again, '-q'])).toEqual({
      code: 0,
      stdout: `${again}\n`,
      stderr: '',
    });
    expect(readFileSync(again).equals(readFileSync(first))).toBe(true);
    // Through a JPEG, whose pixels are others but whose parameters are the same.
    const jpeg = join(out, 'again.jpg');
    const third = join(out, 'third.png');
    await unclip(['generate', '--from', first, '--out', jpeg, '-q']);
    expect(await readPictureParameters(jpeg)).toEqual(await readPictureParameters(first));
    await unclip(['generate', '--from', jpeg, '--out', third, '-q']);
    expect(readFileSync(third).equals(readFileSync(first))).toBe(true);
  });

  it('lets options change what the picture says, and warns of another model', async () => {
    const out = join(folder, 'changed');
    await draw('a red ball', '--seed', '3', '--out', out, '-q');
    const first = join(out, 'a-red-ball-3.png');
    const again = join(out, 'again.png');
    const args = ['generate', '--from', first, '--model', other, '--seed', '4', '--decoder-steps', '2', '--out', again];
    const { code, stderr } = await unclip([...args, '-q']);
    expect(code).toBe(0);
    expect(stderr).toMatch(/^warning: the picture was drawn by another model/);
    expect(await readPictureParameters(again)).toMatchObject({
      prompt: 'a red ball',
      seed: 4,
      steps: { prior: 2, decoder: 2, superRes: 2 },
    });
  });

  it('does not let the batch change a picture', async () => {
    const one = join(folder, 'one');
    const three = join(folder, 'three');
    await draw('the grass', '-n', '4', '--seed', '5', '--out', one, '--batch-size', '1', '-q');
    await draw('the grass', '-n', '4', '--seed', '5', '--out', three, '--batch-size', '3', '-q');
    expect(readdirSync(three)).toHaveLength(4);
    for (const name of readdirSync(three))
      expect((await pixels(join(three, name))).equals(await pixels(join(one, name)))).toBe(true);
  });

  it('names the words that the model has never seen, and draws', async () => {
    const { code, stdout, stderr } = await draw('a purple zebra', '--out', join(folder, 'zebra.png'), '--json');
    expect(code).toBe(0);
    expect(stderr).toContain("the model 'tiny' has never seen: purple, zebra");
    expect(stderr).toContain('it can draw colours: red');
    expect(JSON.parse(stdout).unknownWords).toEqual(['purple', 'zebra']);
  });

  it('saves a preview of every step of decoder and upsampler', async () => {
    const out = join(folder, 'steps');
    await draw('a ball', '-n', '2', '--batch-size', '2', '--seed', '1', '--out', out, '--save-steps', '-q');
    for (const name of ['a-ball-1', 'a-ball-2']) {
      const steps = join(out, `${name}-steps`);
      expect(readdirSync(steps).sort()).toEqual(
        ['decoder-1.png', 'decoder-2.png', 'decoder-3.png', 'superRes-1.png', 'superRes-2.png'].sort(),
      );
      expect((await sharp(join(steps, 'decoder-3.png')).metadata()).width).toBe(16);
      expect((await sharp(join(steps, 'superRes-2.png')).metadata()).width).toBe(32);
    }
    const last = await pixels(join(out, 'a-ball-1-steps', 'superRes-2.png'));
    const picture = await sharp(join(out, 'a-ball-1.png')).removeAlpha().raw().toBuffer();
    // The last prediction is the picture, but for the rounding of its halves.
    expect(Math.max(...last.map((v, i) => Math.abs(v - picture[i]!)))).toBeLessThanOrEqual(1);
  });

  it('stops within a step and keeps finished pictures when interrupted', async () => {
    const out = join(folder, 'interrupted');
    const interrupt = new AbortController();
    const args = ['generate', 'a ball', '--model', model, '-n', '3', '--seed', '1', '--out', out, '--batch-size', '1'];
    const result = await unclip([...args, '--decoder-steps', '50'], {
      signal: interrupt.signal,
      onStderr: (text) => {
        if (text.includes('picture 2 of 3, prior')) interrupt.abort(new UnclipError('CANCELLED', 'interrupted'));
      },
    });
    expect(result.code).toBe(130);
    expect(result.stdout).toBe('');
    expect(result.stderr).not.toContain('picture 2 of 3, decoder');
    expect(result.stderr).toMatch(/unclip: CANCELLED: drawing was stopped; 1 of 3 pictures .*\n$/);
    expect(readdirSync(out)).toEqual(['a-ball-1.png']);
  });

  it('refuses a weight budget that holds no network', async () => {
    const out = join(folder, 'budget');
    const result = await draw('a ball', '--weight-budget', '10KB', '--out', out, '-q');
    expect(result.code).toBe(1);
    expect(errorLine(result).code).toBe('GPU_OUT_OF_MEMORY');
    expect(existsSync(out)).toBe(false);
  });
});
