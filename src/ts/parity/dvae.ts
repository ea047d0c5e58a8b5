import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Graph } from '../graph/types.js';
import { dvaeConfig } from '../models/dvae-config.js';
import { dvaeDecoderGraph } from '../models/dvae-decoder.js';
import { dvaeEncoderGraph } from '../models/dvae-encoder.js';
import type { Program } from '../runtime/program.js';
import { openWeights, type Weights } from '../weights/weights.js';
import type { DeviceContext } from './context.js';
import { type GoldenFile, readGolden } from './golden-file.js';
import { channelsLast } from './networks.js';

/** Weights of encoder and decoder in the forms that a fixture may have them; a form that lacks a file is passed over. */
const FORMS: readonly (readonly [form: string, encoder: string, decoder: string])[] = [
  ['safetensors', 'encoder.safetensors', 'decoder.safetensors'],
  ['pickle', 'encoder.pkl', 'decoder.pkl'],
  ['pre-zip pickle', 'encoder_legacy.pkl', 'decoder.pkl'],
];

let serial = 0;

/** DALL·E 1's discrete VAE against OpenAI's: codes, pictures and hooks, with the weights in each form. */
export async function checkDvae(folder: string, c: DeviceContext): Promise<void> {
  const golden = readGolden(join(folder, 'golden.safetensors'));
  const pictures = golden.names
    .filter((name) => name.endsWith('.image01'))
    .map((name) => name.slice(0, -'.image01'.length));
  for (const [form, ...files] of FORMS) {
    const paths = files.map((file) => join(folder, file));
    if (!paths.every((path) => existsSync(path))) continue;
    const [encoder, decoder] = paths.map((path) => openWeights(path)) as [Weights, Weights];
    try {
      for (const picture of pictures)
        await checkPicture(`${form} ${picture}`, picture, golden, { encoder, decoder }, c);
    } finally {
      encoder.close();
      decoder.close();
    }
  }
}

async function checkPicture(
  title: string,
  picture: string,
  golden: GoldenFile,
  weights: { readonly encoder: Weights; readonly decoder: Weights },
  c: DeviceContext,
): Promise<void> {
  const shapes = (of: Weights) => (name: string) => (of.has(name) ? of.get(name).shape : undefined);
  const config = dvaeConfig(shapes(weights.encoder), shapes(weights.decoder));
  const mapped = golden.get(`${picture}.mapped`);
  const [batch, , height, width] = mapped.shape as [number, number, number, number];
  const options = { batch, height, width, dtype: c.dtype, hooks: true };
  const tokens = golden.get(`${picture}.tokens`);

  const encoder = await run(c, dvaeEncoderGraph(config, options), weights.encoder, 'pixels', channelsLast(mapped));
  c.report.maxAbs(
    `${title} encoder`,
    `${picture}.tokens`,
    tokens.shape,
    await encoder.state('tokens').readWords(),
    tokens.data,
    0,
  );
  await checkHooks(
    `${title} encoder`,
    encoder,
    golden,
    { ...hooks(golden, `${picture}.enc.`), 'blocks.output': `${picture}.z_logits` },
    c,
  );
  encoder.destroy();

  const graph = dvaeDecoderGraph(config, options);
  const decoder = await run(c, graph, weights.decoder, 'tokens', Uint32Array.from(tokens.data));
  await checkHooks(
    `${title} decoder`,
    decoder,
    golden,
    { ...hooks(golden, `${picture}.dec.`), 'blocks.output': `${picture}.x_stats` },
    c,
  );
  const stored = golden.get(`${picture}.reconstruction`);
  const colours = (await decoder.state('colours').read()).map((v) => (v + 1) / 2);
  c.report.maxAbs(
    `${title} decoder`,
    `${picture}.reconstruction`,
    stored.shape,
    colours,
    channelsLast(stored),
    c.bars.dvaePicture,
  );
  decoder.destroy();
}

/** Module → golden tensor. */
const hooks = (golden: GoldenFile, prefix: string): Record<string, string> =>
  Object.fromEntries(
    golden.names.filter((name) => name.startsWith(prefix)).map((name) => [name.slice(prefix.length), name]),
  );

async function run(
  c: DeviceContext,
  graph: Graph,
  weights: Weights,
  input: string,
  values: Float32Array | Uint32Array,
): Promise<Program> {
  const program = c.runtime.program(`parity.dvae${serial++}`, graph, weights);
  program.state(input).write(values);
  await program.prepare();
  c.runtime.submit([program]);
  return program;
}

async function checkHooks(
  title: string,
  program: Program,
  golden: GoldenFile,
  names: Readonly<Record<string, string>>,
  c: DeviceContext,
): Promise<void> {
  for (const [module, name] of Object.entries(names)) {
    const tensor = golden.get(name);
    const ours = await program.state(`hook.${module}`).read();
    c.report.relL2(title, name, tensor.shape, ours, channelsLast(tensor), c.bars.forward);
  }
}
