import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type GenerateRequest, Unclip } from '../../src/ts/index.js';
import { groupNorm } from '../../src/ts/ops/norm/group-norm.js';
import type { Variant } from '../../src/ts/ops/types.js';
import { tuneModel } from '../../src/ts/pipelines/tune-model.js';
import { Runtime } from '../../src/ts/runtime/runtime.js';

const MODEL = join(import.meta.dirname, '..', 'fixtures', 'unclip-t2i', 'model');
const REQUEST: GenerateRequest = { prompt: 'a red panda', seed: 5, priorSteps: 2, decoderSteps: 2, superResSteps: 2 };

const before = process.env.UNCLIP_TUNING_DIR;
const folder = mkdtempSync(join(tmpdir(), 'unclip-tuned-'));
const variants = groupNorm.variants as Variant[];
const original = [...variants];

beforeEach(() => {
  process.env.UNCLIP_TUNING_DIR = join(folder, 'tuning');
  // The rules' choice is made slow: the same kernels ten times over. Everything that is measured beats it.
  const portable = original.find((v) => v.name === 'portable')!;
  const slow: Variant = {
    ...portable,
    name: 'cpu-slow',
    lower: (call, caps, tuning) => Array.from({ length: 10 }, () => portable.lower(call, caps, tuning)).flat(),
  };
  variants.splice(0, variants.length, slow, { ...portable, name: 'cpu-plain' });
});
afterEach(() => {
  variants.splice(0, variants.length, ...original);
});
afterAll(() => {
  process.env.UNCLIP_TUNING_DIR = before;
  rmSync(folder, { recursive: true, force: true });
});

/** What runs group norm, and the picture. */
async function draw(options: Parameters<typeof Unclip.load>[1]): Promise<{ ran: string[]; picture: string }> {
  const unclip = await Unclip.load(MODEL, { dtype: 'f32', ...options });
  const ran = new Set<string>();
  const program = unclip.runtime.program.bind(unclip.runtime);
  unclip.runtime.program = (...args) => {
    const made = program(...args);
    for (const { node, variant } of made.compiled.nodes) if (node.op === 'groupNorm') ran.add(variant);
    return made;
  };
  try {
    const { images } = await unclip.generate(REQUEST);
    return { ran: [...ran].sort(), picture: Buffer.from(images[0]!.data).toString('base64') };
  } finally {
    await unclip.dispose();
  }
}

describe('tuning a model', { timeout: 400_000 }, () => {
  it('is kept for later processes, and deterministic loading takes no notice of it', async () => {
    const first = await draw({});
    expect(first.ran).toEqual(['cpu-slow']);
    expect(existsSync(join(folder, 'tuning'))).toBe(false);

    const { classes, table } = await tuneModel(MODEL, { dtype: 'f32', budgetMs: 120_000 });
    const norms = classes.filter((c) => c.op === 'groupNorm');
    expect(norms.length).toBeGreaterThan(2);
    expect(new Set(norms.map((c) => c.choice.variant))).toEqual(new Set(['cpu-plain']));
    expect(readdirSync(join(folder, 'tuning')).map((name) => join(folder, 'tuning', name))).toEqual([table.path]);

    const cached = await draw({});
    expect(cached.ran).toEqual(['cpu-plain']);
    expect(cached.picture).toBe(first.picture);
    expect((await draw({ batchSize: 3 })).ran).toEqual(['cpu-plain']);
    for (const pinned of [{ deterministic: true }, { tuning: 'off' }] as const)
      expect((await draw(pinned)).ran).toEqual(['cpu-slow']);

    writeFileSync(table.path, 'not JSON');
    expect((await draw({})).ran).toEqual(['cpu-slow']);
  });

  it('searches at loading when asked', async () => {
    process.env.UNCLIP_TUNING_DIR = join(folder, 'searched');
    expect((await draw({ tuning: 'search' })).ran).toEqual(['cpu-plain']);
    expect(readdirSync(join(folder, 'searched')).length).toBe(1);
  });

  it('still loads where measurements cannot be kept', async () => {
    writeFileSync(join(folder, 'file'), '');
    process.env.UNCLIP_TUNING_DIR = join(folder, 'file', 'tuning');
    expect((await draw({ tuning: 'search' })).ran).toEqual(['cpu-plain']);
  });

  it('refuses what contradicts itself', async () => {
    await expect(Unclip.load(MODEL, { deterministic: true, tuning: 'search' })).rejects.toMatchObject({
      code: 'INPUT_INVALID',
    });
    await expect(Unclip.load(MODEL, { tuning: 'sometimes' as 'off' })).rejects.toMatchObject({ code: 'INPUT_INVALID' });
    const unclip = await Unclip.load(MODEL, { deterministic: true });
    await expect(unclip.tune({ budgetMs: 1 })).rejects.toMatchObject({ code: 'INPUT_INVALID' });
    await unclip.dispose();
  });

  it('is no matter of the bare runtime', async () => {
    const runtime = await Runtime.open();
    expect(runtime.choose).toBeUndefined();
    await runtime.close();
  });
});
