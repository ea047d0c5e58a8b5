import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { readPictureParameters } from '../../src/ts/image/parameters.js';
import { errorLine, unclip } from '../support/cli.js';

const MODEL = join(import.meta.dirname, '..', 'fixtures', 'unclip-t2i', 'model');
const folder = mkdtempSync(join(tmpdir(), 'unclip-cli-weights-'));
afterAll(() => rmSync(folder, { recursive: true }));

const QUICK = ['--prior-steps', '2', '--decoder-steps', '2', '--sr-steps', '2', '--seed', '3'];
const draw = (out: string, ...args: string[]) =>
  unclip(['generate', 'a red panda', '--model', MODEL, '--out', join(folder, out), ...QUICK, ...args]);

describe('--weights q8', () => {
  it('draws, says so in the picture, and the picture draws itself again', async () => {
    const { code, stdout } = await draw('q8.png', '--weights', 'q8', '--json');
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ weights: 'q8' });
    const first = join(folder, 'q8.png');
    expect(await readPictureParameters(first)).toMatchObject({ weights: 'q8' });
    const again = join(folder, 'again.png');
    await unclip(['generate', '--from', first, '--out', again, '-q']);
    expect(readFileSync(again).equals(readFileSync(first))).toBe(true);

    const full = join(folder, 'full.png');
    await unclip(['generate', '--from', first, '--weights', 'full', '--out', full, '-q']);
    expect(await readPictureParameters(full)).toMatchObject({ weights: 'full' });
    expect((await draw('plain.png', '-q')).code).toBe(0);
    expect(readFileSync(join(folder, 'plain.png')).equals(readFileSync(full))).toBe(true);
    expect(readFileSync(full).equals(readFileSync(first))).toBe(false);
  });

  it('is a line of what generate says', async () => {
    const { stderr } = await draw('said.png', '--weights', 'q8', '--dtype', 'f32');
    expect(stderr).toContain(', f32, weights q8\n');
  });

  it('is planned by inspect', async () => {
    const inspect = async (...args: string[]) =>
      JSON.parse((await unclip(['inspect', MODEL, '--dtype', 'f32', '--json', ...args])).stdout);
    const [full, q8] = [await inspect(), await inspect('--weights', 'q8')];
    expect(q8.parameters).toBe(full.parameters);
    expect(q8.arenaBytes).toBe(full.arenaBytes);
    expect(q8.weightBytes).toBeLessThan(0.6 * full.weightBytes);
    expect((await unclip(['inspect', MODEL, '--dtype', 'f32', '--weights', 'q8'])).stdout).toContain(
      ', f32, weights q8,',
    );
  });

  it('is what inspect names where that makes a model fit', async ({ skip }) => {
    const { caps } = JSON.parse((await unclip(['inspect', MODEL, '--json'])).stdout);
    if (!caps.f16) skip('the adapter has no f16');
    const inspect = (...args: string[]) => unclip(['inspect', MODEL, '--dtype', 'f16', ...args]);
    const { leastBytes } = JSON.parse((await inspect('--weights', 'q8', '--json')).stdout);
    expect(errorLine(await inspect('--memory', `${leastBytes}`)).message).toMatch(
      / it fits with --weights q8 --weight-/,
    );
  });

  it('takes full and q8 and nothing else', async () => {
    for (const command of ['generate', 'inspect', 'parity', 'tune'])
      expect(
        errorLine(await unclip([command, ...(command === 'tune' ? [] : ['x']), '--weights', 'q4'])).message,
      ).toMatch(/--weights is 'q4': give full, q8/);
  });
});
