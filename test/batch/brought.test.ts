import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FolderStore } from '../../src/ts/batch/folder-store.js';
import { LocalDrawer } from '../../src/ts/batch/local-drawer.js';
import { Manifest, type ManifestEntry } from '../../src/ts/batch/manifest.js';
import { type BatchProgress, runBatch } from '../../src/ts/batch/run-batch.js';
import { decodePicture } from '../../src/ts/image/decode.js';
import { Unclip } from '../../src/ts/pipelines/unclip.js';
import { writeUnfinished } from '../../src/ts/serve/jobs/unfinished.js';
import { manifestOf, sha256Of } from '../support/batch-output.js';
import { makeTinyModel } from '../support/tiny-model.js';

const root = mkdtempSync(join(tmpdir(), 'unclip-brought-'));
const SETTINGS = { priorSteps: 2, decoderSteps: 3, superResSteps: 2, priorGuidanceScale: 2, decoderGuidanceScale: 2 };
let unclip: Unclip;
let image: Buffer;
let mask: Buffer;

beforeAll(async () => {
  makeTinyModel(join(root, 'model'), { pictures: 'also', info: { name: 'tiny', defaults: SETTINGS } });
  unclip = await Unclip.load(join(root, 'model'), { deterministic: true });
  image = await sharp({ create: { width: 40, height: 32, channels: 3, background: '#a04020' } })
    .png()
    .toBuffer();
  const left = Buffer.from(Array.from({ length: 40 * 32 }, (_, i) => [0, 0, 0, i % 40 < 12 ? 0 : 255]).flat());
  mask = await sharp(left, { raw: { width: 40, height: 32, channels: 4 } })
    .png()
    .toBuffer();
});
afterAll(async () => {
  await unclip.dispose();
  rmSync(root, { recursive: true, force: true });
});

let runs = 0;

/** Draws the lines of a file into a new folder. */
async function draw(file: string): Promise<{ out: string; progress: BatchProgress; entries: ManifestEntry[] }> {
  const out = join(root, `out-${runs++}`);
  mkdirSync(out);
  const { model, dtype, weights } = unclip;
  const target = {
    ...{ model: 'tiny', modelHash: model.hash, dtype, weights, size: 32, defaults: SETTINGS, format: 'png' as const },
    requireNetworks: () => {},
  };
  const by = { adapter: unclip.adapter.name, version: unclip.version };
  const store = await FolderStore.open(out, '.png', { alone: true });
  const manifest = await Manifest.open(join(out, 'manifest.jsonl'));
  await using scheduler = unclip.scheduler();
  const progress = await runBatch({
    ...{ target, store, manifest, seed: 0, ahead: 4, picturesFolder: dirname(file) },
    drawer: new LocalDrawer({ scheduler, target, unclip: async () => unclip, by }, store),
    input: (async function* () {
      yield readFileSync(file);
    })(),
    errorsFile: join(out, 'errors.jsonl'),
  });
  await manifest.close();
  return { out, progress, entries: manifestOf<ManifestEntry>(out) };
}

const pixels = async (bytes: Buffer): Promise<Uint8Array> => (await decodePicture(bytes)).data;

describe('lines that bring pictures', () => {
  const file = join(root, 'lines.jsonl');

  it('are drawn as edits and variations, recorded, and drawn again from the record', async () => {
    writeFileSync(join(root, 'image.png'), image);
    writeFileSync(join(root, 'mask.png'), mask);
    const lines = [
      { prompt: 'a ball', image: 'image.png', mask: 'mask.png', seed: 5 },
      { image: 'image.png', seed: 7, n: 2 },
      { prompt: 'words alone', seed: 9 },
    ];
    writeFileSync(file, lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
    const { out, progress, entries } = await draw(file);
    expect(progress).toMatchObject({ drawn: 4, bad: 0, failed: 0 });
    const of = (line: number, picture = 0) => entries.find((e) => e.line === line && e.picture === picture)!;
    const drawn = (e: ManifestEntry) => pixels(readFileSync(join(out, e.file)));
    const edit = await unclip.edit({ prompt: 'a ball', picture: image, mask, seed: 5 });
    expect(await drawn(of(1))).toEqual(await pixels(await edit.images[0]!.encode()));
    expect([of(1).width, of(1).height]).toEqual([40, 32]);
    const { images } = await unclip.vary({ picture: image, n: 2, seed: 7 });
    for (const k of [0, 1]) expect(await drawn(of(2, k))).toEqual(await pixels(await images[k]!.encode()));
    expect(new Set(entries.map(({ key }) => key)).size).toBe(4);

    const again = await draw(join(out, 'manifest.jsonl'));
    const summary = (list: ManifestEntry[]) => list.map(({ key, sha256 }) => [key, sha256]).sort();
    expect(summary(again.entries)).toEqual(summary(entries));
    for (const { file: name, sha256 } of again.entries) expect(sha256Of(again.out, name)).toBe(sha256);
  });

  it('are told as errors where their pictures cannot be used, and the rest goes on', async () => {
    const changed = join(root, 'changed.png');
    writeFileSync(changed, image);
    writeFileSync(join(root, 'small.png'), await sharp(mask).resize(20, 16).png().toBuffer());
    writeFileSync(join(root, 'no.png'), 'nothing');
    const brought = { operation: 'vary', image: { path: changed, sha256: '0'.repeat(64) } };
    const lines = [
      { image: 'none.png' },
      { image: 'no.png', prompt: 'a' },
      { mask: 'mask.png', prompt: 'a' },
      { n: 2 },
      { key: 'k', sha256: 's', prompt: '', seed: 1, settings: SETTINGS, brought },
      { image: 'image.png', mask: 'small.png', prompt: 'a' },
      { prompt: 'fine' },
    ];
    writeFileSync(file, lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
    const { out, progress } = await draw(file);
    expect(progress).toMatchObject({ lines: 7, drawn: 1, bad: 5, failed: 1 });
    const errors = readFileSync(join(out, 'errors.jsonl'), 'utf8').trim().split('\n');
    const told = errors.map((line) => JSON.parse(line) as { line: number; code: string });
    expect(told.map(({ line, code }) => `${line} ${code}`).sort()).toEqual([
      '1 INPUT_PICTURE_INVALID',
      '2 INPUT_PICTURE_INVALID',
      '3 INPUT_INVALID',
      '4 INPUT_INVALID',
      '5 INPUT_PICTURE_INVALID',
      '6 INPUT_INVALID',
    ]);
  });

  it('are what a service leaves that was ended before it had drawn its edits and variations', async () => {
    const left = await writeUnfinished(join(root, 'left.jsonl'), [
      { id: 'e', prompt: 'a ball', n: 1, seed: 5, ...SETTINGS, brought: { image, mask } },
      { id: 'v', n: 1, seed: 7, ...SETTINGS, brought: { image } },
      { id: 't', prompt: 'words alone', n: 1, seed: 9, ...SETTINGS },
    ]);
    const { progress, entries, out } = await draw(left);
    expect(progress).toMatchObject({ drawn: 3, bad: 0, failed: 0 });
    const edit = await unclip.edit({ prompt: 'a ball', picture: image, mask, seed: 5, ...SETTINGS });
    const drawn = readFileSync(join(out, entries.find(({ id }) => id === 'e')!.file));
    expect(await pixels(drawn)).toEqual(await pixels(await edit.images[0]!.encode()));
  });
});
