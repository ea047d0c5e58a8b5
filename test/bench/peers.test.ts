import { describe, expect, it } from 'vitest';
import type { Case } from '../../bench/peers/lib/cases.mjs';
import { elementCount, operandsOf, shapesOf, suite } from '../../bench/peers/lib/cases.mjs';
import { hardwareVerdict } from '../../bench/peers/lib/hardware.mjs';
import { channelsFirst, channelsLast, transposed } from '../../bench/peers/lib/layout.mjs';
import { judge } from '../../bench/peers/lib/measure.mjs';
import { referenceOf, relativeL2 } from '../../bench/peers/lib/reference.mjs';
import type { CaseReport } from '../../bench/peers/lib/report.mjs';
import { geometricMean, ratioOf, SOFTWARE_BAR, verdictOf } from '../../bench/peers/lib/verdict.mjs';
import { exportGraph } from '../../bench/peers/onnx/export-graph.mjs';
import { OnnxModel, Real } from '../../bench/peers/onnx/model.mjs';
import { formsOf, opModel } from '../../bench/peers/onnx/op-models.mjs';
import { bytes, int, varint } from '../../bench/peers/onnx/protobuf.mjs';
import { constantOf } from '../../bench/peers/onnx/weights.mjs';
import { GraphBuilder } from '../../src/ts/graph/builder.js';
import { addon } from '../../src/ts/native/addon.js';
import { jsWeights } from '../support/js-weights.js';
import { randomArray } from '../support/op-harness.js';
import { readOnnx } from './onnx-reader.js';

describe('ONNX writer', () => {
  it('encodes as Protocol Buffers’ own examples do', () => {
    // protobuf.dev/programming-guides/encoding: 150 and 300 as varints, field 1 = 150, field 2 = "testing", −2 in ten bytes.
    expect(varint(150).toString('hex')).toBe('9601');
    expect(varint(300).toString('hex')).toBe('ac02');
    expect(int(1, 150).toString('hex')).toBe('089601');
    expect(bytes(2, 'testing').toString('hex')).toBe('120774657374696e67');
    expect(varint(-2).toString('hex')).toBe('feffffffffffffffff01');
  });

  it('writes what a reader written apart from it reads back', () => {
    const model = new OnnxModel();
    const x = model.input('x', [2, 300]);
    const [a, b] = model.nodes('Split', [x], 2, { axis: -1, num_outputs: 2 });
    const product = model.node(
      'com.microsoft.FusedMatMul',
      [a, model.constant('w', [2, 1], new Float32Array([0.5, -3]))],
      {
        alpha: new Real(2),
        mode: 'fast',
      },
    );
    const shaped = model.node('Reshape', [product, model.ints([0, -1])]);
    model.output('y', model.node('Resize', [shaped, '', b], { axes: [0, 1] }), [2, 1]);
    const file = readOnnx(model.encode());

    expect(file.irVersion).toBe(10);
    expect(file.opsets).toEqual({ '': 20, 'com.microsoft': 1 });
    expect(file.inputs).toEqual({ x: [2, 300] });
    expect(file.outputs).toEqual({ y: [2, 1] });
    expect(file.nodes.map((n) => n.op)).toEqual(['Split', 'FusedMatMul', 'Reshape', 'Resize', 'Identity']);
    expect(file.nodes.map((n) => n.domain)).toEqual(['', 'com.microsoft', '', '', '']);
    expect(file.nodes[0]).toMatchObject({ inputs: ['x'], outputs: [a, b], attributes: { axis: -1, num_outputs: 2 } });
    expect(file.nodes[1]).toMatchObject({ inputs: [a, 'w'], attributes: { alpha: 2, mode: 'fast' } });
    expect(file.nodes[3]).toMatchObject({ inputs: [shaped, '', b], attributes: { axes: [0, 1] } });
    expect(file.nodes[4].outputs).toEqual(['y']);
    expect(file.constants.w).toEqual({ name: 'w', shape: [2, 1], data: [0.5, -3] });
    expect(file.constants[file.nodes[2].inputs[1]]).toMatchObject({ shape: [2], data: [0, -1] });
  });

  it('refuses a constant whose numbers do not fit its shape', () => {
    expect(() => new OnnxModel().constant('w', [2, 3], new Float32Array(5))).toThrow('w: 5 numbers for shape [2,3]');
  });

  it('turns dimensions around and back', () => {
    const shape = [2, 3, 4, 5];
    const values = Float32Array.from({ length: elementCount(shape) }, (_, i) => i);
    const first = channelsFirst(values, shape);
    // Picture 1, row 2, column 3, channel 4.
    expect(first[((1 * 5 + 4) * 3 + 2) * 4 + 3]).toBe(values[((1 * 3 + 2) * 4 + 3) * 5 + 4]);
    expect(channelsLast(first, shape)).toEqual(values);
    expect([...transposed(new Float32Array([1, 2, 3, 4, 5, 6]), [2, 3], [1, 0])]).toEqual([1, 4, 2, 5, 3, 6]);
  });
});

describe('export of a graph', () => {
  const weights = {
    'conv.weight': randomArray(6 * 8 * 9, 1),
    'conv.bias': randomArray(6, 2),
    'k.weight': randomArray(6 * 6, 3),
    'v.weight': randomArray(6 * 6, 4),
  };
  const g = new GraphBuilder('small', { dtype: 'f32' });
  const conv = g.conv2d(
    g.input('x', [1, 4, 4, 8]),
    g.convWeight(8, 6, 3, 'conv.weight'),
    g.vectorWeight([6], ['conv.bias']),
    { outChannels: 6, kernel: 3, pad: 1 },
  );
  const kv = g.linear(conv, g.linearWeight(6, [6, 6], ['k.weight', 'v.weight']), null, 12);
  const mask = g.input('mask', [1, 5], 'f32');
  const context = g.input('context', [1, 5, 12]);
  g.output('y', g.add(conv, g.attention(conv, kv, { heads: 2, scale: 0.5, context, mask })));
  const graph = g.build();
  const source = jsWeights(weights);

  it('gives weights back as the checkpoint has them, without padding', () => {
    const [filter, bias, pair] = graph.tensors.filter((t) => t.kind === 'weight').map((t) => constantOf(t, source));
    expect(filter).toEqual({ shape: [6, 8, 3, 3], data: weights['conv.weight'] });
    expect(bias).toEqual({ shape: [6], data: weights['conv.bias'] });
    expect(pair.shape).toEqual([6, 12]);
    // Row k of the matrix: weight k of the six keys, then of the six values.
    expect(pair.data[2 * 12 + 1]).toBe(weights['k.weight'][1 * 6 + 2]);
    expect(pair.data[2 * 12 + 7]).toBe(weights['v.weight'][1 * 6 + 2]);
  });

  it('keeps pictures channels first and turns each to rows at most once', () => {
    const file = readOnnx(exportGraph(graph, source, 'MultiHeadAttention'));
    expect(file.inputs).toEqual({ x: [1, 8, 4, 4], mask: [1, 5], context: [1, 5, 12] });
    expect(file.outputs).toEqual({ y: [1, 6, 4, 4] });
    const ops = file.nodes.map((n) => n.op);
    expect(ops.filter((op) => op === 'Conv')).toHaveLength(1);
    // The convolution's result to rows for both products, the attention's rows back to a picture.
    expect(ops.filter((op) => op === 'Transpose')).toHaveLength(2);
    const fused = file.nodes.find((n) => n.op === 'MultiHeadAttention')!;
    expect(fused.attributes).toEqual({ num_heads: 2, scale: 0.5 });
    expect(fused.inputs.slice(3, 5)).toEqual(['', '']);
    // The mask covers the five keys of the context, which come first; the picture's sixteen are not masked.
    expect(Object.values(file.constants).find((c) => c.name.startsWith('unmasked'))!.shape).toEqual([1, 16]);
    const joined = file.nodes.filter((n) => n.op === 'Concat').map((n) => n.inputs);
    expect(joined).toContainEqual(['mask', 'unmasked_1_16']);
    const split = file.nodes.filter((n) => n.op === 'Split');
    expect(joined).toContainEqual([
      split.find((n) => n.inputs[0] === 'context')!.outputs[0],
      split.find((n) => n.inputs[0] !== 'context')!.outputs[0],
    ]);
  });

  it('names an operation that it cannot write', () => {
    const other = new GraphBuilder('other', { dtype: 'f32' });
    other.output('y', other.softmax(other.input('x', [2, 4])));
    expect(() => exportGraph(other.build(), source, 'MultiHeadAttention')).toThrow("does not know 'softmax'");
  });
});

describe('the suite', () => {
  const all = [...suite('software'), ...suite('hardware')];

  it('holds the operations that the bar is about, under names of their own', () => {
    const counts: Record<string, number> = {};
    for (const { op } of suite('software')) counts[op] = (counts[op] ?? 0) + 1;
    expect(counts).toEqual({ matmul: 4, conv: 3, attention: 2, groupNorm: 1, layerNorm: 1, softmax: 1 });
    for (const kind of ['software', 'hardware'] as const) {
      const ids = suite(kind).map((c) => c.id);
      expect(new Set(ids).size).toBe(ids.length);
    }
  });

  it('has whole shapes everywhere, and widths that need no padding', () => {
    for (const c of all)
      for (const shape of Object.values(shapesOf(c)) as number[][]) {
        expect(
          shape.every((d) => Number.isInteger(d) && d > 0),
          c.id,
        ).toBe(true);
        expect(shape.at(-1)! % 4, c.id).toBe(0);
      }
  });

  it('becomes ONNX models that take every operand', () => {
    for (const c of suite('software').filter(({ op }) => op !== 'softmax' && op !== 'matmul'))
      for (const form of formsOf(c)) {
        const { bytes: file, feeds } = opModel(c, operandsOf(c), form);
        const { inputs, constants, nodes } = readOnnx(file);
        expect(Object.keys(inputs)).toEqual(Object.keys(feeds));
        const used = new Set(nodes.flatMap((n) => n.inputs));
        for (const name of [...Object.keys(inputs), ...Object.keys(constants)]) expect(used, c.id).toContain(name);
      }
  });
});

describe('references', () => {
  const small = [
    { id: 'a', op: 'matmul', m: 9, k: 8, n: 4 },
    { id: 'b', op: 'conv', height: 7, width: 5, in: 4, out: 8 },
    { id: 'c', op: 'attention', queries: 6, context: 3, heads: 2, headDim: 4 },
    { id: 'd', op: 'softmax', batch: 2, rows: 3, columns: 8 },
  ] as unknown as Case[];

  it('gives the leading rows where the whole would cost too much', () => {
    for (const c of small) {
      const operands = operandsOf(c);
      const whole = referenceOf(c, operands, addon());
      expect(whole).toHaveLength(elementCount(shapesOf(c).output));
      const part = referenceOf(c, operands, addon(), 300);
      expect(part.length, c.id).toBeGreaterThan(0);
      expect(part.length, c.id).toBeLessThan(whole.length);
      expect([...part], c.id).toEqual([...whole.subarray(0, part.length)]);
    }
  });

  it('measures relative errors, and takes what is missing or no number for wrong', () => {
    expect(relativeL2([3, 4.5], [3, 4])).toBeCloseTo(0.1, 12);
    expect(relativeL2([3, 4, 99], [3, 4])).toBe(0);
    expect(relativeL2([3], [3, 4])).toBeNaN();
    expect(relativeL2([Number.NaN, 4], [3, 4])).toBeNaN();
  });
});

describe('agreement', () => {
  it('finds what is wrong beyond the rows that the reference has', () => {
    const errorOf = judge([1, 2], 1e-3);
    expect(errorOf(new Float32Array([1, 2.5, 7]))).toBeGreaterThan(0.1);
    expect(errorOf(new Float32Array([1, 2, 3]))).toBe(0);
    expect(errorOf(new Float32Array([1, 2, 3.001]))).toBeLessThan(1e-3);
    expect(errorOf(new Float32Array([1, 2, 4]))).toBeGreaterThan(0.2);
    expect(errorOf(new Float32Array([1, 2, Number.NaN]))).toBeNaN();
    expect(errorOf(new Float32Array([1, 2]))).toBeNaN();
  });

  it('takes the first result for the truth where there is no reference', () => {
    const errorOf = judge(undefined, 1e-3);
    expect(errorOf(new Float32Array([3, 4]))).toBe(0);
    expect(errorOf(new Float32Array([3, 4.5]))).toBeCloseTo(0.1, 6);
  });
});

describe('verdicts', () => {
  it('pairs the times of a round', () => {
    expect(ratioOf([1, 2, 4], [4, 8, 8])).toEqual({ median: 4, min: 2, max: 4 });
    // A slow peer that left out the last rounds is compared with our times of its own.
    expect(ratioOf([1, 2, 100], [3, 6])).toEqual({ median: 3, min: 3, max: 3 });
    expect(ratioOf([1], [])).toBeUndefined();
    expect(geometricMean([2, 8])).toBeCloseTo(4, 12);
  });

  it('asks for the mean, for every single case, and for all cases', () => {
    const bar = { ...SOFTWARE_BAR, geometricMean: 4, each: 1.5 };
    const cases = (...ratios: (number | undefined)[]) => ratios.map((ratio, i) => ({ id: `case ${i}`, ratio }));
    expect(verdictOf(cases(2, 8.001), bar)).toMatchObject({ pass: true, worst: { id: 'case 0', ratio: 2 } });
    expect(verdictOf(cases(2, 7.9), bar).pass).toBe(false);
    expect(verdictOf(cases(1.4, 100), bar)).toMatchObject({ pass: false, worst: { id: 'case 0' } });
    expect(verdictOf(cases(10, undefined), bar)).toMatchObject({ pass: false, missing: ['case 1'] });
    expect(verdictOf([], bar).pass).toBe(false);
  });

  it('holds a GPU against PyTorch’s times and its copy', () => {
    const torch = {
      machine: { adapter: { name: 'a GPU' } },
      engines: { pytorch: { version: '9' } },
      copyGBs: 100,
    };
    const entry = (id: string, op: string, ours: number, theirs?: number) =>
      ({
        id,
        op,
        dtype: 'f32',
        bytes: 60e6,
        engines: { unclip: { ms: [], medianMs: ours }, pytorch: { ms: [], medianMs: theirs } },
        ratios: {},
      }) as unknown as CaseReport;
    const { data } = hardwareVerdict(
      [entry('matmul 4096×4096→4096', 'matmul', 10, 8), entry('layer norm', 'layerNorm', 1, 1)],
      torch,
    );
    const rows = Object.fromEntries(
      (data as { rows: { bar: string; share: number; pass: boolean }[] }).rows.map((row) => [row.bar, row]),
    );
    expect(rows['f32 matmul 4096³ ≥ 0.7 × cuBLAS']).toMatchObject({ share: 0.8, pass: true });
    expect(rows['norms ≥ 0.7 × copy bandwidth']).toMatchObject({ pass: false });
    expect(rows['norms ≥ 0.7 × copy bandwidth']?.share).toBeCloseTo(0.6, 12);
    expect(rows['f16 convolution ≥ 0.4 × cuDNN'].pass).toBeUndefined();
  });
});
