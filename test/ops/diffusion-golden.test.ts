import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { UnClipSchedule } from '../../src/ts/diffusion/schedule.js';
import { packStepParams, STEP_PARAMS_FLOATS, type StepParams } from '../../src/ts/diffusion/step-params.js';
import { golden, goldenFolder } from '../support/golden.js';
import { errors, runOp } from '../support/op-harness.js';
import { readSafetensors } from '../support/safetensors.js';
import { channelsLast } from '../support/shapes.js';

const CONFIGS = {
  prior: { prediction_type: 'sample', clip_sample_range: 5, variance_type: 'fixed_small_log' },
  decoder: { prediction_type: 'epsilon', clip_sample_range: 1, variance_type: 'learned_range' },
  super_res: { prediction_type: 'epsilon', clip_sample_range: 1, variance_type: 'fixed_small_log' },
} as const;
const ROLES = Object.keys(CONFIGS) as (keyof typeof CONFIGS)[];

type Shape4 = [number, number, number, number];

interface Chain {
  /** [steps, H, W, C] of all steps of a run, which become the images of one batch. */
  readonly shape: Shape4;
  readonly model: Float32Array;
  readonly modelChannels: number;
  readonly guided?: boolean;
  readonly latents: Float32Array;
  readonly noise: Float32Array;
  readonly params: readonly StepParams[];
}

/** All steps of a run at once, each from the sample that the reference had before it. */
async function steps(chain: Chain): Promise<{ latents: Float32Array; x0: Float32Array }> {
  const [count, height, width] = chain.shape;
  const records = new Float32Array(count * STEP_PARAMS_FLOATS);
  for (const [i, p] of chain.params.entries()) packStepParams(p, records, i);
  const { states } = await runOp({
    inputs: { model: chain.model, latents: chain.latents, noise: chain.noise, records },
    states: ['latents', 'x0'],
    build(g) {
      const model = g.input('model', [chain.guided ? 2 * count : count, height, width, chain.modelChannels]);
      const [x, z] = [g.input('latents', chain.shape, 'f32'), g.input('noise', chain.shape, 'f32')];
      g.diffusionStep(model, x, z, g.input('records', [count, 16], 'f32'), g.state('x0', chain.shape));
      return undefined;
    },
  });
  return { latents: states.latents!, x0: states.x0! };
}

describe.skipIf(goldenFolder === undefined)('diffusion step against diffusers 0.21.4', () => {
  it.each(ROLES.flatMap((role) => [2, 5, 7, 25].map((n) => [role, n] as const)))('%s, %i steps', async (role, n) => {
    const file = readSafetensors(golden('schedule', 'unclip_schedule.safetensors'));
    const schedule = UnClipSchedule.fromJson(CONFIGS[role]);
    const read = (name: string): Float32Array => {
      const { shape } = file.get(`${role}.${n}.step.${name}`);
      return channelsLast(file.f32(`${role}.${n}.step.${name}`), [shape[0], ...shape.slice(2)] as Shape4);
    };
    const samples = read('samples');
    const image = samples.length / (n + 1);
    const { latents } = await steps({
      shape: [n, 4, 4, 3],
      model: read('model_outputs'),
      modelChannels: role === 'decoder' ? 6 : 3,
      latents: samples.slice(0, n * image),
      noise: read('noise'),
      params: schedule.steps(n).map((step) => schedule.params(step)),
    });
    expect(errors(latents, samples.subarray(image)).maxAbs).toBeLessThanOrEqual(1e-5);
  });

  it('decoder with guidance: the first and the last step of a run', async () => {
    const run = readSafetensors(golden('unclip-t2i', 'golden', 'run_a.safetensors'));
    const schedule = UnClipSchedule.load(golden('unclip-t2i', 'model', 'decoder_scheduler'));
    const all = schedule.steps(5);
    const indices = [0, 1, 2, 3, 4].filter((i) => run.has(`decoder.raw_output.${i}`));
    expect(indices.length).toBeGreaterThan(1);
    for (const i of indices) {
      const last = i === all.length - 1;
      const { latents, x0 } = await steps({
        shape: [1, 16, 16, 3],
        model: channelsLast(run.f32(`decoder.raw_output.${i}`), [2, 6, 16, 16]),
        modelChannels: 6,
        guided: true,
        latents: channelsLast(run.f32(i === 0 ? 'decoder.init_noise' : `decoder.latents.${i - 1}`), [1, 3, 16, 16]),
        noise: last
          ? new Float32Array(768).fill(Number.NaN)
          : channelsLast(run.f32(`decoder.noise.${i}`), [1, 3, 16, 16]),
        params: [schedule.params(all[i]!, { guidanceScale: 8 })],
      });
      expect(errors(latents, channelsLast(run.f32(`decoder.latents.${i}`), [1, 3, 16, 16])).maxAbs).toBeLessThanOrEqual(
        1e-5,
      );
      if (!run.has(`decoder.pred_x0.${i}`)) continue;
      const clean = channelsLast(run.f32(`decoder.pred_x0.${i}`), [1, 3, 16, 16]);
      // The noisiest step divides by 4.9e-5: elements of the clean picture near 0 may differ there.
      const off = x0.filter((v, k) => Math.abs(v - clean[k]!) > 1e-5).length;
      expect(off).toBeLessThanOrEqual(i === 0 ? 2 : 0);
    }
  });

  it.each(['run_a', 'run_c_nocfg', 'run_e_long_prompt'])(
    '%s: its last latents become the bytes of its PNG',
    async (name) => {
      const run = readSafetensors(golden('unclip-t2i', 'golden', `${name}.safetensors`));
      const x = channelsLast(run.f32('sr.latents.3'), [1, 3, 64, 64]);
      const { words } = await runOp({ inputs: { x }, build: (g) => g.toRgba8(g.input('x', [1, 64, 64, 3], 'f32')) });
      const png = await sharp(golden('unclip-t2i', 'golden', `${name}_0.png`))
        .ensureAlpha()
        .raw()
        .toBuffer();
      expect(Buffer.compare(Buffer.from(words.buffer, 0, 64 * 64 * 4), png)).toBe(0);
    },
  );
});
