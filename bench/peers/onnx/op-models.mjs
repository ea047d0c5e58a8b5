import { EPS, shapesOf } from '../lib/cases.mjs';
import { channelsFirst, channelsLast, transposed } from '../lib/layout.mjs';
import { OnnxModel, Real } from './model.mjs';

/**
 * A model with everything it takes to run it.
 * @typedef {object} OnnxCase
 * @property {Buffer} bytes the file
 * @property {Record<string, { shape: readonly number[], data: Float32Array }>} feeds
 * @property {readonly number[]} outputShape of its one result, `y`
 * @property {(y: Float32Array) => Float32Array} canonical the result with its channels last
 */

/** Ways to write an operation, where ONNX has several: a peer is measured in the fastest that gives the right result. */
const FORMS = {
  attention: ['MultiHeadAttention', 'MatMul and Softmax'],
  groupNorm: ['InstanceNormalization', 'LayerNormalization'],
  unet: ['MultiHeadAttention', 'MatMul and Softmax'],
};

/** @param {{ op: string }} c @returns {readonly string[]} */
export const formsOf = ({ op }) => FORMS[op] ?? ['one form'];

/**
 * A case as an ONNX model in ONNX's own layout (pictures channels first).
 * @param {import('../lib/cases.mjs').Case} c @param {Record<string, Float32Array>} o its operands
 * @param {string} [form] one of {@link formsOf} @returns {OnnxCase}
 */
export function opModel(c, o, form = formsOf(c)[0]) {
  const model = new OnnxModel();
  const shapes = shapesOf(c);
  const feeds = {};
  const feed = (name, shape, data) => {
    feeds[name] = { shape, data };
    return model.input(name, shape);
  };
  const flat = (name) => feed(name, shapes[name], o[name]);
  const picture = () => {
    const [b, h, w, channels] = shapes.x;
    return feed('x', [b, channels, h, w], channelsFirst(o.x, shapes.x));
  };
  const finish = (value, outputShape, canonical = (y) => y) => {
    model.output('y', value, outputShape);
    return { bytes: model.encode(), feeds, outputShape, canonical };
  };
  const lastToPicture = [shapes.output[0], shapes.output[3], shapes.output[1], shapes.output[2]];

  switch (c.op) {
    case 'matmul': {
      const product = model.node('MatMul', [flat('x'), model.constant('weight', shapes.weight, o.weight)]);
      return finish(model.node('Add', [product, model.constant('bias', shapes.bias, o.bias)]), shapes.output);
    }
    case 'conv': {
      const weight = model.constant('weight', [c.out, c.in, 3, 3], transposed(o.weight, shapes.weight, [3, 2, 0, 1]));
      const y = model.node('Conv', [picture(), weight, model.constant('bias', shapes.bias, o.bias)], {
        kernel_shape: [3, 3],
        pads: [1, 1, 1, 1],
        strides: [1, 1],
      });
      return finish(y, lastToPicture, (values) => channelsLast(values, shapes.output));
    }
    case 'attention': {
      const inputs = [flat('q'), flat('k'), flat('v')];
      const options = { heads: c.heads, headDim: c.headDim, scale: c.headDim ** -0.5, form };
      return finish(attention(model, inputs, shapes.output, shapes.k[1], options), shapes.output);
    }
    case 'groupNorm': {
      const y = groupNorm(model, picture(), lastToPicture, c.groups, {
        form,
        gamma: model.constant('gamma', [1, c.channels, 1, 1], o.gamma),
        beta: model.constant('beta', [1, c.channels, 1, 1], o.beta),
      });
      return finish(y, lastToPicture, (values) => channelsLast(values, shapes.output));
    }
    case 'layerNorm': {
      const inputs = [
        flat('x'),
        model.constant('gamma', shapes.gamma, o.gamma),
        model.constant('beta', shapes.beta, o.beta),
      ];
      return finish(model.node('LayerNormalization', inputs, { axis: -1, epsilon: new Real(EPS) }), shapes.output);
    }
    default:
      return finish(model.node('Softmax', [flat('x')], { axis: -1 }), shapes.output);
  }
}

/**
 * Attention of q [B, Lq, H·D] over k and v [B, Lk, H·D], with an optional bias [B, 1, Lq, Lk] on the scores.
 * @param {OnnxModel} model @param {readonly string[]} qkv @param {readonly number[]} shape of q @param {number} keys
 * @param {{ heads: number, headDim: number, scale: number, form: string, bias?: string }} o
 */
export function attention(model, [q, k, v], shape, keys, { heads, headDim, scale, form, bias = '' }) {
  if (form === 'MultiHeadAttention') {
    const inputs = bias === '' ? [q, k, v] : [q, k, v, '', '', bias];
    return model.node('com.microsoft.MultiHeadAttention', inputs, { num_heads: heads, scale: new Real(scale) });
  }
  const [batch, queries] = shape;
  const byHead = (x, length, perm) =>
    model.node('Transpose', [model.node('Reshape', [x, model.ints([batch, length, heads, headDim])])], { perm });
  const products = model.node('MatMul', [byHead(q, queries, [0, 2, 1, 3]), byHead(k, keys, [0, 2, 3, 1])]);
  const scaled = model.node('Mul', [products, model.constant(`scale_${headDim}`, [1], new Float32Array([scale]))]);
  const scores = bias === '' ? scaled : model.node('Add', [scaled, bias]);
  const sums = model.node('MatMul', [model.node('Softmax', [scores], { axis: -1 }), byHead(v, keys, [0, 2, 1, 3])]);
  return model.node('Reshape', [model.node('Transpose', [sums], { perm: [0, 2, 1, 3] }), model.ints(shape)]);
}

/**
 * Group norm of x [B, C, H, W]; gamma and beta are [1, C, 1, 1]. InstanceNormalization is how PyTorch's exporter writes it,
 * LayerNormalization the same over rows of one group each.
 * @param {OnnxModel} model @param {string} x @param {readonly number[]} shape @param {number} groups
 * @param {{ gamma: string, beta: string, form: string, eps?: number }} o
 */
export function groupNorm(model, x, shape, groups, { gamma, beta, form, eps = EPS }) {
  const instance = form === 'InstanceNormalization';
  const [batch, channels, height, width] = shape;
  const size = instance ? groups : (channels / groups) * height * width;
  const ones = model.constant(`ones_${size}`, [size], new Float32Array(size).fill(1));
  const zeros = model.constant(`zeros_${size}`, [size], new Float32Array(size));
  const grouped = model.node('Reshape', [x, model.ints(instance ? [batch, groups, -1] : [batch * groups, -1])]);
  const attributes = { epsilon: new Real(eps), ...(instance ? {} : { axis: -1 }) };
  const normed = model.node(form, [grouped, ones, zeros], attributes);
  const back = model.node('Reshape', [normed, model.ints(shape)]);
  return model.node('Add', [model.node('Mul', [back, gamma]), beta]);
}
