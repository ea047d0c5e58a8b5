import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { errorLine, unclip } from '../support/cli.js';

const MODEL = join(import.meta.dirname, '..', 'fixtures', 'unclip-t2i', 'model');
const folder = mkdtempSync(join(tmpdir(), 'unclip-edit-'));
const at = (name: string): string => join(folder, name);
const QUICK = [
  '--model',
  MODEL,
  '--seed',
  '1',
  '--prior-steps',
  '2',
  '--decoder-steps',
  '2',
  '--sr-steps',
  '2',
  '--dtype',
  'f32',
];

beforeAll(async () => {
  const black = { create: { width: 20, height: 20, channels: 3 as const, background: '#000' } };
  await sharp({ create: { width: 70, height: 50, channels: 3, background: '#48c' } })
    .png()
    .toFile(at('picture.png'));
  await sharp({ create: { width: 70, height: 50, channels: 3, background: '#fff' } })
    .composite([{ input: await sharp(black).png().toBuffer(), left: 30, top: 12 }])
    .png()
    .toFile(at('mask.png'));
  await sharp(black).png().toFile(at('small.png'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('unclip edit', () => {
  it('writes the edited pictures, in the size of the picture, and says what was done', async () => {
    const run = await unclip([
      'edit',
      at('picture.png'),
      'a red panda',
      '--mask',
      at('mask.png'),
      ...QUICK,
      '-n',
      '2',
      '--out',
      folder,
    ]);
    expect(run.code, run.stderr).toBe(0);
    const files = run.stdout.trim().split('\n');
    expect(files).toEqual([at('a-red-panda-1.png'), at('a-red-panda-2.png')]);
    expect(run.stderr).toContain('drawn in a window of 50×50');
    const { data, info } = await sharp(files[0]!).removeAlpha().raw().toBuffer({ resolveWithObject: true });
    expect([info.width, info.height]).toEqual([70, 50]);
    const pixel = (x: number, y: number) => [...data.subarray(3 * (70 * y + x), 3 * (70 * y + x) + 3)];
    expect(pixel(29, 12)).toEqual([0x44, 0x88, 0xcc]);
    expect(pixel(40, 22)).not.toEqual([0x44, 0x88, 0xcc]);
  });

  it('outpaints, and prints JSON', async () => {
    const run = await unclip([
      'edit',
      at('picture.png'),
      'a red panda',
      '--outpaint',
      'left:10,bottom:4',
      ...QUICK,
      '--json',
      '--out',
      at('wide.png'),
    ]);
    expect(run.code, run.stderr).toBe(0);
    const { pictures, notes } = JSON.parse(run.stdout);
    expect(pictures[0]).toMatchObject({
      file: at('wide.png'),
      width: 80,
      height: 54,
      parameters: {
        operation: 'edit',
        edit: { kind: 'tiles' },
        command: expect.stringMatching(/^unclip edit picture\.png .*--outpaint/),
      },
    });
    expect(notes).toHaveLength(1);
  });

  it.each([
    ['a mask of another size', ['--mask', at('small.png')], 1, 'the mask has 20x20 pixels, the picture 70x50'],
    ['nothing to draw', [], 1, 'nothing is to be drawn'],
    ['an unknown side', ['--outpaint', 'up:3'], 1, `outpaint has no side 'up'`],
    ['a side twice', ['--outpaint', 'left:3,left:4'], 2, 'give each side once'],
    ['no number', ['--outpaint', 'left'], 2, 'give each side once'],
    ['a mask that is not there', ['--mask', at('none.png')], 1, 'does not exist'],
  ])('refuses %s', async (_, options, code, message) => {
    const run = await unclip([
      'edit',
      at('picture.png'),
      'a red panda',
      ...options,
      ...QUICK,
      '--out',
      at('never.png'),
    ]);
    expect(run.code).toBe(code);
    expect(errorLine(run).message).toContain(message);
  });
});
