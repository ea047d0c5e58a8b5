import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { STEP_PARAMS_FLOATS } from '../diffusion/step-params.js';
import type { ActivationDType, Graph } from '../graph/types.js';
import { toChannelsLast } from '../image/layout.js';
import { clipTextGraph } from '../models/clip-text.js';
import { decoderForwardGraph } from '../models/decoder-graphs.js';
import type { ComponentName } from '../models/model-index.js';
import { priorFinishGraph, priorForwardGraph } from '../models/prior-graphs.js';
import { superResForwardGraph } from '../models/super-res-graphs.js';
import { textProjGraph } from '../models/unclip-text-proj.js';
import type { Checkpoint } from '../pipelines/checkpoint.js';
import type { Runtime } from '../runtime/runtime.js';
import type { Bars } from './bars.js';
import type { Report } from './compare.js';
import { type GoldenFile, type GoldenTensor, readGolden } from './golden-file.js';

/** What a padded key's score gets in diffusers. */
const MASKED = -10000;

interface Context {
  readonly runtime: Runtime;
  readonly model: Checkpoint;
  readonly dtype: ActivationDType;
  readonly bars: Bars;
  readonly report: Report;
}

/** Every network's forward against its stored one, hooks included. */
export async function checkNetworks(folder: string, context: Context): Promise<void> {
  const file = (name: string): GoldenFile | undefined => {
    const path = join(folder, 'golden', `${name}.safetensors`);
    return existsSync(path) ? readGolden(path) : undefined;
  };
  const text = file('text_encoder');
  if (text !== undefined) await checkTextEncoder(text, context);
  const projection = file('text_proj');
  if (projection !== undefined) await checkTextProj(projection, context);
  const prior = file('prior_forward');
  if (prior !== undefined) await checkPrior(prior, context);
  const decoder = file('decoder_forward');
  if (decoder !== undefined) await checkDecoder(decoder, context);
  for (const component of ['super_res_first', 'super_res_last'] as const) {
    const golden = file(`${component}_forward`);
    if (golden !== undefined) await checkSuperRes(golden, component, context);
  }
}

async function checkTextEncoder(golden: GoldenFile, c: Context): Promise<void> {
  const ids = golden.get('input_ids');
  const [batch, length] = ids.shape as [number, number];
  const rows = Array.from({ length: batch }, (_, b) => Array.from(ids.data.subarray(b * length, (b + 1) * length)));
  const graph = clipTextGraph(c.model.configs.textEncoder, { batch, dtype: c.dtype, hooks: true });
  await forward(c, 'text_encoder', graph, golden, {
    inputs: {
      ids: Uint32Array.from(ids.data),
      endIndex: Uint32Array.from(rows, (row) => row.indexOf(Math.max(...row))),
    },
    outputs: { lastHiddenState: 'last_hidden_state', textEmbeds: 'text_embeds' },
    hookPrefix: '',
  });
}

async function checkTextProj(golden: GoldenFile, c: Context): Promise<void> {
  for (const [prefix, guided] of [
    ['cfg', true],
    ['nocfg', false],
  ] as const) {
    if (!golden.has(`${prefix}.image_embeddings`)) continue;
    const get = (name: string): GoldenTensor => golden.get(`${prefix}.${name}`);
    const batch = get('image_embeddings').shape[0]!;
    const tokens = get('text_encoder_hidden_states').shape[1]!;
    const graph = textProjGraph(c.model.configs.textProj, { batch, guided, tokens, dtype: c.dtype });
    await forward(c, 'text_proj', graph, golden, {
      inputs: {
        imageEmbeds: get('image_embeddings').data,
        textEmbeds: get('prompt_embeds').data,
        textHidden: get('text_encoder_hidden_states').data,
      },
      outputs: { context: `${prefix}.out_hidden_states`, timeEmbeds: `${prefix}.out_time_embeddings` },
    });
  }
}

async function checkPrior(golden: GoldenFile, c: Context): Promise<void> {
  const { config } = c.model.requirePrior();
  const batch = golden.get('hidden_states').shape[0]!;
  const inputs = {
    stepParams: timesteps(golden),
    sample: golden.f32('hidden_states'),
    textEmbeds: golden.f32('proj_embedding'),
    textHidden: golden.f32('encoder_hidden_states'),
    mask: additiveMask(golden.get('attention_mask')),
  };
  const graph = priorForwardGraph(config, { batch, dtype: c.dtype, hooks: true });
  await forward(c, 'prior', graph, golden, { inputs, outputs: { predicted: 'predicted_image_embedding' } });
  if (golden.has('predicted_image_embedding_nomask')) {
    const plain = priorForwardGraph(config, { batch, dtype: c.dtype, masked: false });
    await forward(c, 'prior', plain, golden, {
      inputs,
      outputs: { predicted: 'predicted_image_embedding_nomask' },
    });
  }
  if (golden.has('post_process_latents')) {
    const finished = { latents: golden.f32('hidden_states') };
    await forward(c, 'prior', priorFinishGraph(config, { batch }), golden, {
      inputs: finished,
      outputs: { imageEmbeds: 'post_process_latents' },
    });
  }
}

async function checkDecoder(golden: GoldenFile, c: Context): Promise<void> {
  const context = golden.get('encoder_hidden_states');
  const [batch, tokens] = context.shape as [number, number];
  const graph = decoderForwardGraph(c.model.configs.decoder, { batch, tokens, dtype: c.dtype, hooks: true });
  await forward(c, 'decoder', graph, golden, {
    inputs: {
      stepParams: timesteps(golden, batch),
      sample: channelsLast(golden.get('sample')),
      timeEmbeds: golden.f32('class_labels'),
      context: golden.f32('encoder_hidden_states'),
      mask: additiveMask(golden.get('attention_mask')),
    },
    outputs: { predicted: 'out' },
  });
}

async function checkSuperRes(
  golden: GoldenFile,
  component: 'super_res_first' | 'super_res_last',
  c: Context,
): Promise<void> {
  const { superResFirst, superResLast } = c.model.configs;
  const config = component === 'super_res_first' ? superResFirst : superResLast;
  const sample = golden.get('sample');
  const [batch, , size] = sample.shape as [number, number, number];
  const graph = superResForwardGraph(config, { batch, size, dtype: c.dtype, hooks: true });
  await forward(c, component, graph, golden, {
    inputs: { stepParams: timesteps(golden, batch), sample: channelsLast(sample) },
    outputs: { predicted: 'out' },
  });
}

interface Forward {
  readonly inputs: Readonly<Record<string, ArrayLike<number>>>;
  /** Graph output → golden tensor. */
  readonly outputs: Readonly<Record<string, string>>;
  /** Prefix of hooks in the file. */
  readonly hookPrefix?: string;
}

let serial = 0;

async function forward(
  c: Context,
  component: ComponentName,
  graph: Graph,
  golden: GoldenFile,
  f: Forward,
): Promise<void> {
  const program = c.runtime.program(`parity${serial++}.${component}`, graph, c.model.weights(component));
  for (const [name, values] of Object.entries(f.inputs)) {
    const state = program.state(name);
    state.write(state.dtype === 'u32' ? Uint32Array.from(values) : Float32Array.from(values));
  }
  await program.prepare();
  c.runtime.submit([program]);
  const check = async (output: string, name: string): Promise<void> => {
    const tensor = golden.get(name);
    const ours = await program.state(output).read();
    c.report.relL2(component, name, tensor.shape, ours, channelsLast(tensor), c.bars.forward);
  };
  for (const [output, name] of Object.entries(f.outputs)) await check(output, name);
  const prefix = f.hookPrefix ?? 'hook.';
  const marked = Object.keys(graph.outputs).filter((name) => name.startsWith('hook.'));
  for (const output of marked) {
    const name = prefix + output.slice('hook.'.length);
    if (golden.has(name)) await check(output, name);
  }
  for (const name of golden.names)
    if (name.startsWith('hook.') && marked.length > 0 && !marked.includes(name))
      c.report.relL2(
        component,
        `${name} (not offered by the graph)`,
        golden.get(name).shape,
        [],
        golden.get(name).data,
        c.bars.forward,
      );
  program.destroy();
}

/** [N, C, H, W] becomes channels last; other ranks lie the same way in both. */
export function channelsLast(t: GoldenTensor): Float32Array {
  if (t.shape.length !== 4) return Float32Array.from(t.data);
  const [n, c, h, w] = t.shape as [number, number, number, number];
  return toChannelsLast(t.data, n, c, h * w);
}

/** Step records that carry nothing but the timestep; one stored timestep may serve all `batch` rows. */
function timesteps(golden: GoldenFile, batch?: number): Float32Array {
  const values = golden.numbers('timestep');
  const rows = batch ?? values.length;
  const out = new Float32Array(rows * STEP_PARAMS_FLOATS);
  for (let b = 0; b < rows; b++) out[b * STEP_PARAMS_FLOATS] = values[b % values.length]!;
  return out;
}

const additiveMask = (mask: GoldenTensor): Float32Array =>
  Float32Array.from(mask.data, (keep) => (keep === 1 ? 0 : MASKED));
