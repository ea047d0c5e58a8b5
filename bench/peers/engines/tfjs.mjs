import { createRequire } from 'node:module';
import { EPS, operandsOf, shapesOf } from '../lib/cases.mjs';
import { gently, provideNavigatorGpu } from '../lib/navigator-gpu.mjs';

const require = createRequire(import.meta.url);

/**
 * TensorFlow.js on WebGPU, channels last as it prefers. Tensors stay on the device; the wait for the last run is the read-back
 * of one element of its result.
 * @returns {Promise<import('./worker.mjs').Engine>}
 */
export async function open() {
  const adapter = await provideNavigatorGpu();
  const tf = require('@tensorflow/tfjs-core');
  require('@tensorflow/tfjs-backend-webgpu');
  await tf.setBackend('webgpu');
  await tf.ready();
  return {
    version: tf.version_core,
    adapter,
    dtypes: ['f32'],
    unet: false,
    async prepare(c) {
      const shapes = shapesOf(c);
      const operands = {};
      for (const [name, values] of Object.entries(operandsOf(c))) operands[name] = tf.tensor(values, shapes[name]);
      const once = () => tf.tidy(() => operation(tf, c, operands));
      return {
        async run(count) {
          const begin = performance.now();
          for (let i = 1; i < count; i++) once().dispose();
          const last = once();
          const first = tf.tidy(() => tf.slice(tf.reshape(last, [-1]), [0], [1]));
          await gently(() => first.data());
          const ms = performance.now() - begin;
          tf.dispose([last, first]);
          return ms;
        },
        async output() {
          const result = once();
          const values = await gently(() => result.data());
          result.dispose();
          return Float32Array.from(values);
        },
        async release() {
          tf.dispose(Object.values(operands));
        },
      };
    },
  };
}

/** @param {import('../lib/cases.mjs').Case} c */
function operation(tf, c, { x, weight, bias, q, k, v, gamma, beta }) {
  const normalise = (t, axes) => {
    const { mean, variance } = tf.moments(t, axes, true);
    return tf.mul(tf.sub(t, mean), tf.rsqrt(tf.add(variance, EPS)));
  };
  switch (c.op) {
    case 'matmul':
      return tf.fused.matMul({ a: x, b: weight, bias });
    case 'conv':
      return tf.fused.conv2d({ x, filter: weight, strides: 1, pad: 'same', bias });
    case 'attention': {
      const byHead = (t) => tf.transpose(tf.reshape(t, [-1, c.heads, c.headDim]), [1, 0, 2]);
      const scores = tf.mul(tf.matMul(byHead(q), byHead(k), false, true), c.headDim ** -0.5);
      return tf.reshape(tf.transpose(tf.matMul(tf.softmax(scores), byHead(v)), [1, 0, 2]), [1, c.queries, -1]);
    }
    case 'groupNorm': {
      const grouped = tf.reshape(x, [c.height * c.width, c.groups, c.channels / c.groups]);
      return tf.add(tf.mul(tf.reshape(normalise(grouped, [0, 2]), x.shape), gamma), beta);
    }
    case 'layerNorm':
      return tf.add(tf.mul(normalise(x, -1), gamma), beta);
    default:
      return tf.softmax(x);
  }
}
