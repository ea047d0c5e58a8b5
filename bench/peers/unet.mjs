import { decoderStepGraph } from '../../dist/models/decoder-graphs.js';
import { contextTokens } from '../../dist/models/networks.js';
import { Checkpoint } from '../../dist/pipelines/checkpoint.js';
import { elementCount, uniform } from './lib/cases.mjs';
import { channelsFirst, channelsLast } from './lib/layout.mjs';
import { exportGraph, onnxShape } from './onnx/export-graph.mjs';

/** A whole network: one guided step of a model's decoder (two rows), up to the sampler's own arithmetic. @typedef {{ id: string, op: 'unet', model: string }} UnetCase */

/** @param {string} model folder @returns {UnetCase & { dtype: 'f32' }} */
export const unetCase = (model) => ({ id: 'decoder UNet step', op: 'unet', dtype: 'f32', model });

const TIMESTEP = 500;

/**
 * The decoder's step without the sampler's update of the latents, so that its prediction is what comes out, as `y`.
 * @param {Checkpoint} checkpoint
 */
function predictionGraph(checkpoint) {
  const { configs } = checkpoint;
  const options = { batch: 1, guided: true, dtype: 'f32', tokens: contextTokens(configs) };
  const graph = decoderStepGraph(configs.decoder, options);
  const update = graph.nodes.at(-1);
  if (update.op !== 'diffusionStep') throw new Error(`the decoder's step ends in ${update.op}, not in its sampler`);
  const [prediction, latents] = update.inputs;
  const { noise: _, ...inputs } = graph.inputs;
  return {
    ...graph,
    nodes: graph.nodes.slice(0, -1),
    tensors: graph.tensors.map((t) => (t.id === prediction ? { ...t, kind: 'state' } : t)),
    inputs: { ...inputs, latents },
    outputs: { y: prediction },
  };
}

/** Values of every input, channels last. @param {import('../../dist/graph/types.js').Graph} graph */
function inputsOf(graph) {
  const values = {};
  let seed = 100;
  for (const [name, id] of Object.entries(graph.inputs)) {
    const { shape } = graph.tensors[id];
    const data = uniform(elementCount(shape), seed++);
    if (name === 'stepParams') data.fill(0).set([TIMESTEP]);
    // The text's padding is masked: half of it here, in both rows.
    if (name === 'mask') for (let i = 0; i < data.length; i++) data[i] = i % shape[1] < shape[1] / 2 ? 0 : -10000;
    values[name] = data;
  }
  return values;
}

/** The graph with its weights and the values of its inputs. @param {UnetCase} c */
export function unetGraph(c) {
  const checkpoint = Checkpoint.open(c.model);
  const graph = predictionGraph(checkpoint);
  return { graph, source: checkpoint.weights('decoder'), inputs: inputsOf(graph) };
}

/** @param {UnetCase} c @param {string} form of its attention @returns {import('./onnx/op-models.mjs').OnnxCase} */
export function unetModel(c, form) {
  const { graph, source, inputs } = unetGraph(c);
  const feeds = {};
  for (const [name, data] of Object.entries(inputs)) {
    const { shape } = graph.tensors[graph.inputs[name]];
    feeds[name] = { shape: onnxShape(shape), data: shape.length === 4 ? channelsFirst(data, shape) : data };
  }
  const { shape } = graph.tensors[graph.outputs.y];
  return {
    bytes: exportGraph(graph, source, form),
    feeds,
    outputShape: onnxShape(shape),
    canonical: (y) => channelsLast(y, shape),
  };
}
