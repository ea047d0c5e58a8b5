import { readFileSync } from 'node:fs';
import { EPS, elementCount, operandsOf, shapesOf } from '../lib/cases.mjs';
import { channelsFirst, channelsLast, transposed } from '../lib/layout.mjs';
import { gently, provideNavigatorGpu } from '../lib/navigator-gpu.mjs';

const PACKAGE = new URL('../node_modules/@jax-js/jax/package.json', import.meta.url);

/** Most bytes of results that wait to be computed. */
const KEPT_BYTES = 2 ** 30;

/**
 * jax-js on WebGPU, every case under `jit`, pictures with channels first as its convolution takes them. Arrays stay on the
 * device; the wait for the last run is its blockUntilReady.
 * @returns {Promise<import('./worker.mjs').Engine>}
 */
export async function open() {
  const adapter = await provideNavigatorGpu();
  const jax = await import('@jax-js/jax');
  await jax.init('webgpu');
  jax.defaultDevice('webgpu');
  return {
    version: JSON.parse(readFileSync(PACKAGE, 'utf8')).version,
    adapter,
    dtypes: ['f32'],
    unet: false,
    async prepare(c) {
      const shapes = shapesOf(c);
      const { names, compute, picture } = operation(jax, c);
      const values = operandsOf(c);
      const operands = names.map((name) => {
        if (name === 'x' && picture) return array(jax, channelsFirst(values.x, shapes.x), onePicture(shapes.x));
        if (name === 'weight' && picture)
          return array(jax, transposed(values.weight, shapes.weight, [3, 2, 0, 1]), [c.out, c.in, 3, 3]);
        const perChannel = picture ? [shapes[name][0], 1, 1] : shapes[name];
        return array(jax, values[name], perChannel);
      });
      const compiled = jax.jit(compute);
      const together = Math.max(1, Math.floor(KEPT_BYTES / (4 * elementCount(shapes.output))));
      // An argument is consumed by a call, unless it is passed as a reference of its own.
      const once = () => compiled(...operands.map((operand) => operand.ref));
      return {
        async run(count) {
          const begin = performance.now();
          // What is disposed before it was computed never is: results are kept until they are there, as many as fit.
          for (let done = 0; done < count; done += together) {
            const results = Array.from({ length: Math.min(together, count - done) }, once);
            for (const result of results) await gently(() => result.blockUntilReady());
            for (const result of results) result.dispose();
          }
          return performance.now() - begin;
        },
        async output() {
          const result = Float32Array.from(await gently(() => once().data()));
          return picture ? channelsLast(result, shapes.output) : result;
        },
        async release() {
          for (const operand of operands) operand.dispose();
          compiled.dispose();
        },
      };
    },
  };
}

const array = (jax, values, shape) => jax.numpy.array(values).reshape([...shape]);

const onePicture = ([b, h, w, channels]) => [b, channels, h, w];

/** What a case computes, and whether its operands are pictures with channels first. @param {import('../lib/cases.mjs').Case} c */
function operation(jax, c) {
  const { numpy: np, nn, lax } = jax;
  const scaled = (x, gamma, beta) => np.add(np.multiply(x, gamma), beta);
  const normalise = (x) => nn.standardize(x, -1, { epsilon: EPS });
  switch (c.op) {
    case 'matmul':
      return { names: ['x', 'weight', 'bias'], compute: (x, weight, bias) => np.add(np.matmul(x, weight), bias) };
    case 'conv':
      return {
        names: ['x', 'weight', 'bias'],
        picture: true,
        compute: (x, weight, bias) => np.add(lax.convGeneralDilated(x, weight, [1, 1], 'SAME'), bias),
      };
    case 'attention': {
      const byHead = (x, order) => np.transpose(x.reshape([-1, c.heads, c.headDim]), order);
      return {
        names: ['q', 'k', 'v'],
        compute: (q, k, v) => {
          const scores = np.multiply(np.matmul(byHead(q, [1, 0, 2]), byHead(k, [1, 2, 0])), c.headDim ** -0.5);
          const sums = np.matmul(nn.softmax(scores, -1), byHead(v, [1, 0, 2]));
          return np.transpose(sums, [1, 0, 2]).reshape([1, c.queries, c.heads * c.headDim]);
        },
      };
    }
    case 'groupNorm':
      return {
        names: ['x', 'gamma', 'beta'],
        picture: true,
        compute: (x, gamma, beta) =>
          scaled(normalise(x.reshape([c.groups, -1])).reshape([1, c.channels, c.height, c.width]), gamma, beta),
      };
    case 'layerNorm':
      return { names: ['x', 'gamma', 'beta'], compute: (x, gamma, beta) => scaled(normalise(x), gamma, beta) };
    default:
      return { names: ['x'], compute: (x) => nn.softmax(x, -1) };
  }
}
