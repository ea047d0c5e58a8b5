import { OnnxModel } from './model.mjs';
import { attention, groupNorm } from './op-models.mjs';
import { constantOf } from './weights.mjs';

/** @typedef {import('../../../dist/graph/types.js').Graph} Graph */
/** @typedef {import('../../../dist/graph/types.js').Node} Node */
/** @typedef {import('../../../dist/runtime/residency.js').WeightSource} WeightSource */

const MAX_PERIOD = 10000;

/**
 * A graph of this engine, not yet fused, as an ONNX model, node for node: pictures [B, H, W, C] become [B, C, H, W], which is
 * what ONNX's convolutions take, and are turned to rows [B, H·W, C] only where a matrix product or attention reads them, as
 * diffusers does. Inputs and outputs keep their names and have channels first. Knows the operations of the UNets.
 * @param {Graph} graph @param {WeightSource} source its weights
 * @param {string} attentionForm as in op-models.mjs
 * @returns {Buffer} the file
 */
export function exportGraph(graph, source, attentionForm) {
  const emitter = new Emitter(graph, source, attentionForm);
  for (const node of graph.nodes) emitter.emit(node);
  for (const [name, id] of Object.entries(graph.outputs)) emitter.output(name, id);
  return emitter.model.encode(graph.name);
}

/** Shape of a graph's tensor in the exported model. @param {readonly number[]} shape */
export const onnxShape = (shape) => (shape.length === 4 ? [shape[0], shape[3], shape[1], shape[2]] : [...shape]);

class Emitter {
  model = new OnnxModel();
  #graph;
  #source;
  #attentionForm;
  /** Names of a tensor's values: as it is in the model (channels first), and as rows [B, H·W, C]. */
  #plain = new Map();
  #rows = new Map();
  #shared = new Map();

  /** @param {Graph} graph @param {WeightSource} source @param {string} attentionForm */
  constructor(graph, source, attentionForm) {
    this.#graph = graph;
    this.#source = source;
    this.#attentionForm = attentionForm;
    for (const [name, id] of Object.entries(graph.inputs))
      this.#plain.set(id, this.model.input(name, onnxShape(this.#shape(id))));
  }

  /** @param {Node} node */
  emit(node) {
    const operation = this.#operations[node.op];
    if (operation === undefined) throw new Error(`the exporter does not know '${node.op}' (${node.label})`);
    operation(node, node.outputs[0]);
  }

  /** @param {string} name @param {number} id */
  output(name, id) {
    this.model.output(name, this.#value(id), onnxShape(this.#shape(id)));
  }

  #operations = {
    linear: (node, out) => {
      const [x, weight, bias] = node.inputs;
      let y = this.model.node('MatMul', [this.#asRows(x), this.#weight(weight)]);
      if (bias !== null) y = this.model.node('Add', [y, this.#weight(bias)]);
      this.#setRows(out, y);
    },
    conv2d: (node, out) => {
      const [x, weight, bias] = node.inputs;
      const { kernel, stride, pad } = node.attrs;
      const inputs = [this.#value(x), this.#weight(weight), ...(bias === null ? [] : [this.#weight(bias)])];
      const attributes = { kernel_shape: [kernel, kernel], pads: [pad, pad, pad, pad], strides: [stride, stride] };
      this.#plain.set(out, this.model.node('Conv', inputs, attributes));
    },
    groupNorm: (node, out) => {
      const [x, gamma, beta] = node.inputs;
      const vector = (id) => this.#weight(id, [1, -1, 1, 1]);
      const scale = { gamma: vector(gamma), beta: vector(beta), eps: node.attrs.eps, form: 'InstanceNormalization' };
      this.#plain.set(out, groupNorm(this.model, this.#value(x), onnxShape(this.#shape(x)), node.attrs.groups, scale));
    },
    activation: (node, out) => {
      if (node.attrs.act !== 'silu') throw new Error(`the exporter does not know the activation '${node.attrs.act}'`);
      const x = this.#value(node.inputs[0]);
      this.#plain.set(out, this.model.node('Mul', [x, this.model.node('Sigmoid', [x])]));
    },
    add: (node, out) => {
      const [a, b] = node.inputs;
      const perImage = this.#shape(a).length === 4 && this.#shape(b).length === 2;
      const second = perImage ? this.#perImage(b, this.#value(b)) : this.#value(b);
      this.#plain.set(out, this.model.node('Add', [this.#value(a), second]));
    },
    scaleShift: (node, out) => {
      const [x, pair] = node.inputs;
      const [scale, shift] = this.#once(`scale and shift of ${pair}`, () => {
        const parts = this.model.nodes('Split', [this.#value(pair)], 2, { axis: 1, num_outputs: 2 });
        return parts.map((part) => this.#perImage(pair, part, 2));
      });
      const factor = this.model.node('Add', [scale, this.model.constant('one', [1], new Float32Array([1]))]);
      this.#plain.set(out, this.model.node('Add', [this.model.node('Mul', [this.#value(x), factor]), shift]));
    },
    upsampleNearest2x: (node, out) => {
      const scales = this.model.constant('twice', [4], new Float32Array([1, 1, 2, 2]));
      const attributes = { mode: 'nearest', coordinate_transformation_mode: 'asymmetric', nearest_mode: 'floor' };
      this.#plain.set(out, this.model.node('Resize', [this.#value(node.inputs[0]), '', scales], attributes));
    },
    avgPool2x: (node, out) => {
      const attributes = { kernel_shape: [2, 2], strides: [2, 2] };
      this.#plain.set(out, this.model.node('AveragePool', [this.#value(node.inputs[0])], attributes));
    },
    concat: (node, out) => {
      const rank = this.#shape(out).length;
      if (rank === 4 && node.attrs.axis !== 3) throw new Error(`${node.label}: pictures are joined by channels only`);
      const parts = node.inputs.map((id) => this.#value(id));
      this.#plain.set(out, this.model.node('Concat', parts, { axis: rank === 4 ? 1 : node.attrs.axis }));
    },
    repeatBatch: (node, out) => {
      const parts = Array.from({ length: node.attrs.times }, () => this.#value(node.inputs[0]));
      this.#plain.set(out, this.model.node('Concat', parts, { axis: 0 }));
    },
    timestepEmbedding: (node, out) => {
      const { dim, flipSinToCos, freqShift } = node.attrs;
      const half = dim >> 1;
      const frequencies = Float32Array.from({ length: half }, (_, i) =>
        Math.exp((-Math.log(MAX_PERIOD) * i) / (half - freqShift)),
      );
      const { model } = this;
      const timestep = model.node('Slice', [this.#value(node.inputs[0]), ...[[0], [1], [1]].map((v) => model.ints(v))]);
      const angles = model.node('Mul', [timestep, model.constant('frequencies', [1, half], frequencies)]);
      const [sine, cosine] = [model.node('Sin', [angles]), model.node('Cos', [angles])];
      this.#plain.set(out, model.node('Concat', flipSinToCos ? [cosine, sine] : [sine, cosine], { axis: 1 }));
    },
    attention: (node, out) => {
      const [q, kv, context, mask] = node.inputs;
      const own = this.#keysAndValues(kv);
      const added = context === null ? undefined : this.#keysAndValues(context);
      const [keys, values] = own.map((x, i) =>
        added === undefined ? x : this.model.node('Concat', [added[i], x], { axis: 1 }),
      );
      const [queries, allKeys] = [this.#positions(q), this.#positions(kv, context)];
      const [batch, width] = [this.#shape(q)[0], this.#shape(q).at(-1)];
      const options = {
        heads: node.attrs.heads,
        headDim: width / node.attrs.heads,
        scale: node.attrs.scale,
        form: this.#attentionForm,
        bias: mask === null ? '' : this.#attentionBias(mask, queries, allKeys),
      };
      const operands = [this.#asRows(q), keys, values];
      this.#setRows(out, attention(this.model, operands, [batch, queries, width], allKeys, options));
    },
  };

  /** Positions of all the tensors together, those that are there. @param {...(number | null)} ids */
  #positions(...ids) {
    const counts = ids
      .filter((id) => id !== null)
      .map((id) =>
        this.#shape(id)
          .slice(1, -1)
          .reduce((a, b) => a * b, 1),
      );
    return counts.reduce((a, b) => a + b, 0);
  }

  /** @param {number} id keys and values side by side */
  #keysAndValues(id) {
    return this.#once(`keys and values of ${id}`, () =>
      this.model.nodes('Split', [this.#asRows(id)], 2, { axis: 2, num_outputs: 2 }),
    );
  }

  /** A mask [B, Lm] over the first keys as [B, 1, queries, keys], zero for the others. @param {number} mask @param {number} queries @param {number} keys */
  #attentionBias(mask, queries, keys) {
    return this.#once(`bias of ${mask} for ${queries} by ${keys}`, () => {
      const [batch, masked] = this.#shape(mask);
      const zeros = this.model.constant(
        `unmasked_${batch}_${keys - masked}`,
        [batch, keys - masked],
        new Float32Array(batch * (keys - masked)),
      );
      const row = this.model.node('Concat', [this.#value(mask), zeros], { axis: 1 });
      const bias = this.model.node('Reshape', [row, this.model.ints([batch, 1, 1, keys])]);
      return this.model.node('Expand', [bias, this.model.ints([batch, 1, queries, keys])]);
    });
  }

  /** A vector an image, [B, C / parts], as [B, C / parts, 1, 1]. @param {number} id of the whole @param {string} value @param {number} [parts] */
  #perImage(id, value, parts = 1) {
    const [batch, channels] = this.#shape(id);
    return this.model.node('Reshape', [value, this.model.ints([batch, channels / parts, 1, 1])]);
  }

  /** @param {number} id */
  #value(id) {
    const known = this.#plain.get(id);
    if (known !== undefined) return known;
    const turned = this.model.node('Transpose', [this.#rows.get(id)], { perm: [0, 2, 1] });
    const value = this.model.node('Reshape', [turned, this.model.ints(onnxShape(this.#shape(id)))]);
    this.#plain.set(id, value);
    return value;
  }

  /** @param {number} id */
  #asRows(id) {
    const known = this.#rows.get(id);
    if (known !== undefined) return known;
    const [batch, height, width, channels] = this.#shape(id);
    if (channels === undefined) return this.#value(id);
    const flat = this.model.node('Reshape', [this.#value(id), this.model.ints([batch, channels, height * width])]);
    const rows = this.model.node('Transpose', [flat], { perm: [0, 2, 1] });
    this.#rows.set(id, rows);
    return rows;
  }

  /** @param {number} id @param {string} value rows where the tensor is a picture, the tensor itself otherwise */
  #setRows(id, value) {
    (this.#shape(id).length === 4 ? this.#rows : this.#plain).set(id, value);
  }

  /** @param {number} id @param {readonly number[]} [shape] −1 for its length */
  #weight(id, shape) {
    const constant = constantOf(this.#graph.tensors[id], this.#source);
    const dims = shape?.map((d) => (d === -1 ? constant.data.length : d)) ?? constant.shape;
    return this.model.constant(this.#graph.tensors[id].name, dims, constant.data);
  }

  /** @param {number} id */
  #shape(id) {
    return this.#graph.tensors[id].shape;
  }

  /** @template R @param {string} key @param {() => R} make @returns {R} */
  #once(key, make) {
    if (!this.#shared.has(key)) this.#shared.set(key, make());
    return this.#shared.get(key);
  }
}
