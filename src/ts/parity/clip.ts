import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Graph } from '../graph/types.js';
import { decodePicture } from '../image/decode.js';
import { toChannelsLast } from '../image/layout.js';
import { clipTextGraph } from '../models/clip-text.js';
import { clipVisionGraph } from '../models/clip-vision.js';
import { ClipModel } from '../pipelines/clip/clip-model.js';
import { ClipEmbedder } from '../pipelines/clip/embedder.js';
import { cosineSimilarity, type Embedding } from '../pipelines/clip/embedding.js';
import type { Program } from '../runtime/program.js';
import type { WeightSource } from '../runtime/residency.js';
import { atOnce } from '../util/sliced.js';
import type { DeviceContext } from './context.js';
import { type GoldenFile, type GoldenTensor, readGolden } from './golden-file.js';
import { writeOpenAiNames } from './openai-names.js';

/** A `clip` fixture in transformers' layout, and its tensors by OpenAI's names: both against what openai/CLIP computed. */
export async function checkClip(folder: string, context: DeviceContext): Promise<void> {
  const golden = readGolden(join(folder, 'golden.safetensors'));
  const scratch = mkdtempSync(join(tmpdir(), 'unclip-openai-names-'));
  try {
    writeOpenAiNames(join(folder, 'hf'), scratch);
    for (const place of [join(folder, 'hf'), scratch]) {
      const model = ClipModel.open(place);
      try {
        await checkModel(model, golden, join(folder, 'images'), context);
      } finally {
        model.close();
      }
    }
  } finally {
    rmSync(scratch, { recursive: true });
  }
}

async function checkModel(model: ClipModel, golden: GoldenFile, pictures: string, c: DeviceContext): Promise<void> {
  const { layout, logitScale } = model;
  const image = model.requireImage();
  const prefix = layout === 'openai' ? 'preprocess_openai.' : 'preprocess_hf.';
  for (const name of golden.names.filter((n) => n.startsWith(prefix)))
    await checkPixels(model, join(pictures, `${name.slice(prefix.length)}.png`), name, golden.get(name), c);

  const texts = JSON.parse(golden.metadata.texts!) as string[];
  const ids = golden.get('input_ids');
  const [batch, length] = ids.shape as [number, number];
  const rows = texts.map((text) => model.text.tokenizer.encode(text));
  // OpenAI pads with 0, transformers with the end token; what lies behind the end has no effect.
  const upToEnd = (row: ArrayLike<number>, r: number): number[] => Array.from(row).slice(0, rows[r]!.length);
  const ours = rows.flatMap((row, r) => upToEnd(row.ids, r));
  const stored = rows.flatMap((_, r) => upToEnd(ids.data.subarray(r * length, (r + 1) * length), r));
  c.report.maxAbs(layout, 'input_ids (to the end token)', [ours.length], ours, stored, 0);

  const text = await run(c, clipTextGraph(model.text.config, { batch, dtype: c.dtype }), model.text.weights, {
    ids: Uint32Array.from(ids.data),
    endIndex: Uint32Array.from(rows, (row) => row.endIndex),
  });
  await check(c, layout, text, { lastHiddenState: 'text_hidden_final', textEmbeds: 'text_features' }, golden);
  const pixels = golden.get('pixel_values');
  const graph = clipVisionGraph(image.config, { batch: pixels.shape[0]!, dtype: c.dtype });
  const vision = await run(c, graph, image.weights, { pixels: pixelsLast(pixels) });
  const images = split(await vision.state('imageEmbeds').read(), pixels.shape[0]!);
  await check(c, layout, vision, { imageEmbeds: 'image_features' }, golden);
  text.destroy();
  vision.destroy();

  const embedder = new ClipEmbedder(c.runtime, model, c.dtype);
  const embedded = await embedder.texts(texts);
  embedder.destroy();
  const features = golden.get('text_features');
  c.report.relL2(
    layout,
    'text_features (ClipEmbedder)',
    features.shape,
    embedded.flatMap((e) => [...e]),
    features.data,
    c.bars.forward,
  );
  const logits = images.flatMap((i) => embedded.map((t) => logitScale.value * cosineSimilarity(i, t)));
  const goldenLogits = golden.get('logits_per_image');
  c.report.relL2(layout, 'logits_per_image', goldenLogits.shape, logits, goldenLogits.data, c.bars.forward);
}

/** The image encoder of an image-variation fixture: pixels from the pictures, then every layer. */
export async function checkImageEncoder(folder: string, c: DeviceContext): Promise<void> {
  const golden = readGolden(join(folder, 'golden', 'image_encoder.safetensors'));
  const model = ClipModel.open(join(folder, 'model'));
  try {
    const { config, weights } = model.requireImage();
    for (const picture of Object.keys(JSON.parse(golden.metadata.images!) as object)) {
      const pixels = golden.get(`${picture}.pixel_values`);
      const path = join(folder, 'golden', 'images', `${picture}.png`);
      await checkPixels(model, path, `${picture}.pixel_values`, pixels, c);
      const graph = clipVisionGraph(config, { batch: 1, dtype: c.dtype, hooks: true });
      const program = await run(c, graph, weights, { pixels: pixelsLast(pixels) });
      const outputs: Record<string, string> = {
        lastHiddenState: `${picture}.last_hidden_state`,
        imageEmbeds: `${picture}.image_embeds`,
      };
      for (const hook of Object.keys(graph.outputs).filter((name) => name.startsWith('hook.hidden_states.'))) {
        const name = `${picture}.${hook.slice('hook.'.length)}`;
        if (golden.has(name)) outputs[hook] = name;
      }
      await check(c, 'image_encoder', program, outputs, golden);
      program.destroy();
    }
  } finally {
    model.close();
  }
}

async function checkPixels(
  { layout, image }: ClipModel,
  path: string,
  name: string,
  stored: GoldenTensor,
  c: DeviceContext,
): Promise<void> {
  const ours = atOnce(image!.preprocessor.apply(await decodePicture(path), image!.rounding));
  c.report.maxAbs(layout === 'diffusers' ? 'image_encoder' : layout, name, stored.shape, ours, pixelsLast(stored), 0);
}

async function run(
  c: DeviceContext,
  graph: Graph,
  weights: WeightSource,
  inputs: Readonly<Record<string, Float32Array | Uint32Array>>,
): Promise<Program> {
  const program = c.runtime.program('clip', graph, weights);
  for (const [name, values] of Object.entries(inputs)) program.state(name).write(values);
  await program.prepare();
  c.runtime.submit([program]);
  return program;
}

async function check(
  c: DeviceContext,
  network: string,
  program: Program,
  outputs: Readonly<Record<string, string>>,
  golden: GoldenFile,
): Promise<void> {
  for (const [output, name] of Object.entries(outputs)) {
    const { shape, data } = golden.get(name);
    c.report.relL2(network, name, shape, await program.state(output).read(), data, c.bars.forward);
  }
}

const split = (values: Float32Array, rows: number): Embedding[] =>
  Array.from({ length: rows }, (_, r) => values.slice((r * values.length) / rows, ((r + 1) * values.length) / rows));

/** [N, 3, H, W], or one picture [3, H, W], as the graph reads it. */
function pixelsLast({ shape, data }: GoldenTensor): Float32Array {
  const [height, width] = shape.slice(-2) as [number, number];
  return toChannelsLast(data, shape.length === 4 ? shape[0]! : 1, 3, height * width);
}
