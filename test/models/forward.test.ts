import { existsSync } from 'node:fs';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { STEP_FIELD } from '../../src/ts/diffusion/step-params.js';
import type { Graph } from '../../src/ts/graph/types.js';
import { clipTextGraph } from '../../src/ts/models/clip-text.js';
import { clipVisionGraph } from '../../src/ts/models/clip-vision.js';
import { decoderForwardGraph, decoderPreludeGraph, decoderStepGraph } from '../../src/ts/models/decoder-graphs.js';
import { type ComponentName, loadUnclipModel } from '../../src/ts/models/model-index.js';
import {
  priorFinishGraph,
  priorForwardGraph,
  priorPreludeGraph,
  priorStepGraph,
} from '../../src/ts/models/prior-graphs.js';
import { superResForwardGraph } from '../../src/ts/models/super-res-graphs.js';
import { textProjGraph } from '../../src/ts/models/unclip-text-proj.js';
import type { Program } from '../../src/ts/runtime/program.js';
import { Runtime } from '../../src/ts/runtime/runtime.js';
import { openWeights } from '../../src/ts/weights/weights.js';
import { golden, goldenFolder } from '../support/golden.js';
import { errors } from '../support/op-harness.js';
import { readSafetensors, type TestTensors } from '../support/safetensors.js';
import { channelsLast } from '../support/shapes.js';

/**
 * Against PyTorch in f32. Measured: f32 below 2e-6, and 7e-6 where a timestep's sinusoids come in, which PyTorch rounds more
 * coarsely; f16 below 1.5e-3. Weights in 8 bits: 1.7e-2 (text embeddings of unclip-i2i), 1.5e-2 (prior), others below 1.1e-2.
 */
const REL_L2 = { f32: 1e-5, f16: 3e-3, q8: 2e-2 };

const CASES = ['unclip-t2i', 'unclip-i2i'].flatMap((name) => [
  { name, dtype: 'f32', weights: 'full' } as const,
  { name, dtype: 'f16', weights: 'full' } as const,
  { name, dtype: 'f32', weights: 'q8' } as const,
]);

type Values = Readonly<Record<string, Float32Array | Uint32Array>>;

/** One record a timestep; `fields` beside the timestep. */
const stepRecords = (timesteps: readonly number[], fields: Partial<Record<keyof typeof STEP_FIELD, number>> = {}) => {
  const records = new Float32Array(16 * timesteps.length);
  timesteps.forEach((t, i) => {
    records[16 * i] = t;
    for (const [field, value] of Object.entries(fields)) records[16 * i + STEP_FIELD[field as 'std']] = value;
  });
  return records;
};

/** A step whose x0 is the network's own output. */
const outputAsX0 = { guidanceScale: 1, x0FromOutput: 1, x0Divisor: 1 };

const maskOf = (file: TestTensors): Float32Array =>
  Float32Array.from(file.numbers('attention_mask'), (v) => (v === 0 ? -10000 : 0));

describe.skipIf(goldenFolder === undefined).each(CASES)(
  '$name, $dtype, weights $weights',
  ({ name, dtype, weights }) => {
    const bar = REL_L2[weights === 'q8' ? 'q8' : dtype];
    let runtime: Runtime;
    beforeAll(async () => {
      runtime = await Runtime.open({ weights });
    });
    afterAll(() => runtime?.destroy());
    beforeEach((context) => context.skip(dtype === 'f16' && !runtime.device.caps.f16, 'the adapter has no f16'));

    const model = () => loadUnclipModel(golden(name, 'model'));
    const reference = (stem: string): TestTensors => readSafetensors(golden(name, 'golden', `${stem}.safetensors`));
    const has = (stem: string): boolean => existsSync(golden(name, 'golden', `${stem}.safetensors`));

    async function run(component: ComponentName, graph: Graph, values: Values, before?: Program): Promise<Program> {
      const shared = Object.fromEntries(
        Object.keys(before?.compiled.graph.outputs ?? {}).map((output) => [output, before!.state(output)]),
      );
      const program = runtime.program(component, graph, openWeights(golden(name, 'model', component)), shared);
      for (const [input, data] of Object.entries(values)) program.state(input).write(data);
      await program.prepare();
      runtime.submit([program]);
      await runtime.device.idle();
      return program;
    }

    async function expectClose(program: Program, output: string, file: TestTensors, key: string): Promise<void> {
      const { shape } = file.get(key);
      const data = file.f32(key);
      const wanted = shape.length === 4 ? channelsLast(data, shape as [number, number, number, number]) : data;
      const { relL2 } = errors(await program.state(output).read(), wanted);
      expect(relL2, `${output} against ${key}`).toBeLessThan(bar);
    }

    async function expectHooks(program: Program, file: TestTensors): Promise<void> {
      for (const key of file.names) if (key.startsWith('hook.')) await expectClose(program, key, file, key);
    }

    const image = (file: TestTensors, key: string): Float32Array =>
      channelsLast(file.f32(key), file.get(key).shape as [number, number, number, number]);

    it.each([true, false])('text encoder (hooks %s)', async (hooks) => {
      const file = reference('text_encoder');
      const [batch, length] = file.get('input_ids').shape as [number, number];
      const ids = Uint32Array.from(file.numbers('input_ids'));
      const endIndex = Uint32Array.from({ length: batch }, (_, b) => {
        const row = ids.subarray(b * length, (b + 1) * length);
        return row.indexOf(Math.max(...row));
      });
      const graph = clipTextGraph(model().textEncoder, { batch, dtype, hooks });
      const program = await run('text_encoder', graph, { ids, endIndex });
      await expectClose(program, 'lastHiddenState', file, 'last_hidden_state');
      await expectClose(program, 'textEmbeds', file, 'text_embeds');
      if (hooks)
        for (const key of file.names.filter((n) => n.startsWith('hidden_states.')))
          await expectClose(program, `hook.${key}`, file, key);
    });

    it.skipIf(!has('image_encoder'))('image encoder', async () => {
      const file = reference('image_encoder');
      const graph = clipVisionGraph(model().imageEncoder!, { batch: 1, dtype });
      for (const picture of ['landscape', 'gray']) {
        const program = await run('image_encoder', graph, { pixels: image(file, `${picture}.pixel_values`) });
        await expectClose(program, 'imageEmbeds', file, `${picture}.image_embeds`);
        await expectClose(program, 'lastHiddenState', file, `${picture}.last_hidden_state`);
      }
    });

    it.each([true, false])('text projection (guided %s)', async (guided) => {
      const file = reference('text_proj');
      const prefix = guided ? 'cfg' : 'nocfg';
      const graph = textProjGraph(model().textProj, { batch: 2, guided, dtype, tokens: 77 });
      const program = await run('text_proj', graph, {
        imageEmbeds: file.f32(`${prefix}.image_embeddings`),
        textEmbeds: file.f32(`${prefix}.prompt_embeds`),
        textHidden: file.f32(`${prefix}.text_encoder_hidden_states`),
      });
      await expectClose(program, 'context', file, `${prefix}.out_hidden_states`);
      await expectClose(program, 'timeEmbeds', file, `${prefix}.out_time_embeddings`);
    });

    describe.skipIf(!has('prior_forward'))('prior', () => {
      const inputs = (file: TestTensors) => ({
        textEmbeds: file.f32('proj_embedding'),
        textHidden: file.f32('encoder_hidden_states'),
        mask: maskOf(file),
      });

      it.each([true, false])('in one pass (hooks %s)', async (hooks) => {
        const file = reference('prior_forward');
        const program = await run('prior', priorForwardGraph(model().prior!, { batch: 2, dtype, hooks }), {
          ...inputs(file),
          sample: file.f32('hidden_states'),
          stepParams: stepRecords(file.numbers('timestep')),
        });
        await expectClose(program, 'predicted', file, 'predicted_image_embedding');
        if (hooks) await expectHooks(program, file);
      });

      it.each([true, false])('prelude and step (guided %s)', async (guided) => {
        const file = reference('prior_forward');
        const config = model().prior!;
        const batch = 2;
        const twice = (x: Float32Array): Float32Array => (guided ? Float32Array.of(...x.map((v) => -v), ...x) : x);
        const { textEmbeds, textHidden, mask } = inputs(file);
        const rowsMask = guided ? Float32Array.of(...mask, ...mask) : mask;
        const o = { batch, guided, dtype } as const;
        const texts = { textEmbeds: twice(textEmbeds), textHidden: twice(textHidden), mask: rowsMask };
        const prelude = await run('prior', priorPreludeGraph(config, o), texts);
        const values = {
          mask: rowsMask,
          latents: file.f32('hidden_states'),
          stepParams: stepRecords(file.numbers('timestep'), outputAsX0),
        };
        const step = await run('prior', priorStepGraph(config, o), values, prelude);
        await expectClose(step, 'x0', file, 'predicted_image_embedding');
      });

      it('embedding of the finished sample', async () => {
        const file = reference('prior_forward');
        const latents = file.f32('hidden_states');
        const program = await run('prior', priorFinishGraph(model().prior!, { batch: 2 }), { latents });
        await expectClose(program, 'imageEmbeds', file, 'post_process_latents');
      });
    });

    describe('decoder', () => {
      it.each([true, false])('in one pass (hooks %s)', async (hooks) => {
        const file = reference('decoder_forward');
        const graph = decoderForwardGraph(model().decoder, { batch: 2, dtype, tokens: 81, hooks });
        const program = await run('decoder', graph, {
          sample: image(file, 'sample'),
          stepParams: stepRecords(file.numbers('timestep')),
          timeEmbeds: file.f32('class_labels'),
          context: file.f32('encoder_hidden_states'),
          mask: maskOf(file),
        });
        await expectClose(program, 'predicted', file, 'out');
        if (hooks) await expectHooks(program, file);
      });

      it.each([true, false])('prelude and step (guided %s)', async (guided) => {
        const file = reference('decoder_forward');
        const o = { batch: 2, guided, dtype, tokens: 81 } as const;
        const config = model().decoder;
        // The unconditional half must not show in the other one.
        const rows = (x: Float32Array): Float32Array => (guided ? Float32Array.of(...x.map((v) => -v), ...x) : x);
        const context = rows(file.f32('encoder_hidden_states'));
        const prelude = await run('decoder', decoderPreludeGraph(config, o), { context });
        const mask = maskOf(file);
        const values = {
          mask: guided ? Float32Array.of(...mask, ...mask) : mask,
          timeEmbeds: rows(file.f32('class_labels')),
          latents: image(file, 'sample'),
          stepParams: stepRecords(file.numbers('timestep'), outputAsX0),
        };
        const step = await run('decoder', decoderStepGraph(config, o), values, prelude);
        const out = image(file, 'out');
        const epsilon = out.filter((_, i) => i % config.out_channels < config.in_channels);
        expect(errors(await step.state('x0').read(), epsilon).relL2).toBeLessThan(bar);
      });
    });

    it.each([
      ['super_res_first', true],
      ['super_res_first', false],
      ['super_res_last', false],
    ] as const)('%s (hooks %s)', async (component, hooks) => {
      const file = reference(`${component}_forward`);
      const m = model();
      const config = component === 'super_res_first' ? m.superResFirst : m.superResLast;
      const graph = superResForwardGraph(config, { batch: 1, dtype, size: m.superResSize, hooks });
      const program = await run(component, graph, {
        sample: image(file, 'sample'),
        stepParams: stepRecords(file.numbers('timestep')),
      });
      await expectClose(program, 'predicted', file, 'out');
      if (hooks) await expectHooks(program, file);
    });
  },
);
