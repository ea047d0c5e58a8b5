import { bytes, float, int, message } from './protobuf.mjs';

/** Field numbers and enum values are those of onnx.proto3 (ONNX 1.17, IR version 10). */
const IR_VERSION = 10;
const OPSET = 20;
const FLOAT = 1;
const INT64 = 7;
const ATTRIBUTE = { float: 1, int: 2, string: 3, ints: 7 };

/** A number that is written as a float attribute even when it is whole. */
export class Real {
  /** @param {number} value */
  constructor(value) {
    this.value = value;
  }
}

/** @typedef {number | string | Real | readonly number[]} Attribute whole numbers and lists of them are ints */

/** @param {string} name @param {Attribute} value */
function attribute(name, value) {
  const head = [bytes(1, name)];
  if (value instanceof Real) return [...head, float(2, value.value), int(20, ATTRIBUTE.float)];
  if (typeof value === 'number') return [...head, int(3, value), int(20, ATTRIBUTE.int)];
  if (typeof value === 'string') return [...head, bytes(4, value), int(20, ATTRIBUTE.string)];
  return [...head, ...value.map((v) => int(8, v)), int(20, ATTRIBUTE.ints)];
}

/** @param {string} name @param {readonly number[]} shape */
const valueInfo = (name, shape) => [
  bytes(1, name),
  message(2, [
    message(1, [
      int(1, FLOAT),
      message(
        2,
        shape.map((d) => message(1, [int(1, d)])),
      ),
    ]),
  ]),
];

/**
 * Builds an ONNX model of f32 tensors node by node. Names of values are given out by the model; the caller names inputs,
 * outputs and constants.
 */
export class OnnxModel {
  #nodes = [];
  #initializers = [];
  #inputs = [];
  #outputs = [];
  #constants = new Set();
  #values = 0;

  /** @param {string} name @param {readonly number[]} shape @returns {string} the value's name */
  input(name, shape) {
    this.#inputs.push(valueInfo(name, shape));
    return name;
  }

  /** A constant f32 tensor. @param {string} name @param {readonly number[]} shape @param {Float32Array} data */
  constant(name, shape, data) {
    const count = shape.reduce((a, b) => a * b, 1);
    if (data.length !== count) throw new Error(`${name}: ${data.length} numbers for shape [${shape}]`);
    return this.#initializer(name, FLOAT, shape, new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  }

  /** A constant vector of int64 (shapes, axes, pads). @param {readonly number[]} values */
  ints(values) {
    const name = `ints_${values.join('_')}`;
    return this.#initializer(name, INT64, [values.length], new Uint8Array(BigInt64Array.from(values, BigInt).buffer));
  }

  /**
   * One operation with one result.
   * @param {string} op ONNX's name; `com.microsoft.X` for ONNX Runtime's own
   * @param {readonly string[]} inputs '' for an absent optional one
   * @param {Readonly<Record<string, Attribute>>} [attributes]
   * @returns {string} name of the result
   */
  node(op, inputs, attributes = {}) {
    return this.nodes(op, inputs, 1, attributes)[0];
  }

  /** One operation with several results. @param {string} op @param {readonly string[]} inputs @param {number} results @param {Readonly<Record<string, Attribute>>} [attributes] */
  nodes(op, inputs, results, attributes = {}) {
    const dot = op.lastIndexOf('.');
    const outputs = Array.from({ length: results }, () => `v${this.#values++}`);
    this.#nodes.push([
      ...inputs.map((name) => bytes(1, name)),
      ...outputs.map((name) => bytes(2, name)),
      bytes(3, `${op}_${outputs[0]}`),
      bytes(4, op.slice(dot + 1)),
      ...Object.entries(attributes).map(([name, value]) => message(5, attribute(name, value))),
      ...(dot < 0 ? [] : [bytes(7, op.slice(0, dot))]),
    ]);
    return outputs;
  }

  /** Makes `value` a result of the model. @param {string} name @param {string} value @param {readonly number[]} shape */
  output(name, value, shape) {
    this.#nodes.push([bytes(1, value), bytes(2, name), bytes(3, `output_${name}`), bytes(4, 'Identity')]);
    this.#outputs.push(valueInfo(name, shape));
  }

  /** The file. @param {string} [name] */
  encode(name = 'model') {
    const graph = [
      ...this.#nodes.map((fields) => message(1, fields)),
      bytes(2, name),
      ...this.#initializers.map((fields) => message(5, fields)),
      ...this.#inputs.map((fields) => message(11, fields)),
      ...this.#outputs.map((fields) => message(12, fields)),
    ];
    const opset = (domain, version) => message(8, [bytes(1, domain), int(2, version)]);
    return Buffer.concat([
      int(1, IR_VERSION),
      bytes(2, 'unclip'),
      message(7, graph),
      opset('', OPSET),
      opset('com.microsoft', 1),
    ]);
  }

  #initializer(name, type, shape, data) {
    if (!this.#constants.has(name)) {
      this.#constants.add(name);
      this.#initializers.push([...shape.map((d) => int(1, d)), int(2, type), bytes(8, name), bytes(9, data)]);
    }
    return name;
  }
}
