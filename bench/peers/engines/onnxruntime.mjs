import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { prepareDriverEnvironment } from '../../../dist/gpu/driver-env.js';
import { operandsOf } from '../lib/cases.mjs';
import { OnnxModel } from '../onnx/model.mjs';
import { formsOf, opModel } from '../onnx/op-models.mjs';
import { unetModel } from '../unet.mjs';

const require = createRequire(import.meta.url);

/** Errors only: warnings about unused constants and the like say nothing of speed. */
const LOG_ERRORS = 3;

/**
 * ONNX Runtime with one execution provider. On WebGPU inputs and results are bound as GPU tensors (`gpu-buffer`): they are
 * uploaded once, by a model that copies its input to a GPU result, and a timed run neither uploads nor reads back. Its runs are
 * asynchronous then; the wait for the last one is the read-back of one element of its result.
 * @param {'webgpu' | 'cpu'} provider @returns {Promise<import('./worker.mjs').Engine>}
 */
export async function open(provider) {
  prepareDriverEnvironment();
  const ort = require('onnxruntime-node');
  const { version } = JSON.parse(readFileSync(require.resolve('onnxruntime-node/package.json'), 'utf8'));
  const onGpu = provider === 'webgpu';
  const options = { executionProviders: [provider], logSeverityLevel: LOG_ERRORS };
  const session = (bytes, more = {}) => ort.InferenceSession.create(bytes, { ...options, ...more });
  const resident = onGpu ? { preferredOutputLocation: 'gpu-buffer' } : {};

  /** A tensor on the device, and what must be released after it: the memory belongs to the session that made it. */
  async function upload({ shape, data }) {
    const tensor = new ort.Tensor('float32', data, shape);
    if (!onGpu) return { tensor };
    const owner = await session(identity(shape), { ...resident, graphOptimizationLevel: 'disabled' });
    const { y } = await owner.run({ x: tensor });
    return { tensor: y, owner };
  }

  return {
    version,
    adapter: onGpu ? 'the one that the driver environment offers' : 'CPU',
    dtypes: ['f32'],
    unet: true,
    forms: formsOf,
    async prepare(c, form) {
      const { bytes, feeds, outputShape, canonical } =
        c.op === 'unet' ? unetModel(c, form) : opModel(c, operandsOf(c), form);
      // A node that the provider cannot run would be given to the CPU without a word.
      const noFallback = onGpu ? { extra: { session: { disable_cpu_ep_fallback: '1' } } } : {};
      const model = await session(bytes, { ...resident, ...noFallback });
      const uploads = {};
      for (const [name, values] of Object.entries(feeds)) uploads[name] = await upload(values);
      const inputs = Object.fromEntries(Object.entries(uploads).map(([name, { tensor }]) => [name, tensor]));
      const whole = await session(identity(outputShape));
      const first = onGpu ? await session(firstElement(outputShape)) : undefined;
      return {
        async run(count) {
          const begin = performance.now();
          let result;
          for (let i = 0; i < count; i++) {
            result?.y.dispose();
            result = await model.run(inputs);
          }
          await first?.run({ x: result.y });
          const ms = performance.now() - begin;
          result.y.dispose();
          return ms;
        },
        async output() {
          const { y } = await model.run(inputs);
          const read = onGpu ? (await whole.run({ x: y })).y : y;
          const values = Float32Array.from(read.data);
          y.dispose();
          return canonical(values);
        },
        async release() {
          for (const { tensor } of Object.values(uploads)) tensor.dispose();
          const owners = Object.values(uploads).map(({ owner }) => owner);
          for (const s of [model, whole, first, ...owners]) await s?.release();
        },
      };
    },
  };
}

/** @param {readonly number[]} shape */
function identity(shape) {
  const model = new OnnxModel();
  model.output('y', model.input('x', shape), shape);
  return model.encode();
}

/** The first element of x, as [1]. @param {readonly number[]} shape */
function firstElement(shape) {
  const model = new OnnxModel();
  const flat = model.node('Reshape', [model.input('x', shape), model.ints([-1])]);
  model.output('y', model.node('Slice', [flat, model.ints([0]), model.ints([1]), model.ints([0])]), [1]);
  return model.encode();
}
