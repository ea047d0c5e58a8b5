import { describe, expect, it } from 'vitest';
import { pipelineKey } from '../../src/ts/gpu/pipelines.js';
import type { GraphBuilder, T } from '../../src/ts/graph/builder.js';
import { compileGraph } from '../../src/ts/graph/compile.js';
import { decoderStepGraph } from '../../src/ts/models/decoder-graphs.js';
import { superResStepGraph } from '../../src/ts/models/super-res-graphs.js';
import { parseUNet2DConfig } from '../../src/ts/models/unet-2d.js';
import { parseUNet2DConditionConfig } from '../../src/ts/models/unet-2d-condition.js';
import { matrixShapes, matrixTunings, matrixWorkgroupBytes } from '../../src/ts/ops/matmul/matrix-tile.js';
import type { DeviceCaps } from '../../src/ts/ops/types.js';
import { KARLO } from '../models/karlo.js';
import { compileNode, convOf, gpuCaps, linearOf, matrixShape } from './support/calls.js';

const NVIDIA = gpuCaps([matrixShape(16, 16, 16), matrixShape(16, 8, 16), matrixShape(16, 8, 8)]);

const chosen = (build: (g: GraphBuilder) => T, caps: DeviceCaps, dtype?: 'f32' | 'f16'): string =>
  compileNode(build, caps, {}, dtype).variant;

describe('which calls go to matrix units', () => {
  it('takes f16 products and convolutions where the adapter has a shape with f32 sums', () => {
    for (const caps of [NVIDIA, gpuCaps([matrixShape(8, 8, 8)]), gpuCaps([matrixShape(8, 16, 16)], 16)]) {
      expect(chosen(linearOf(1024, 640, 640), caps)).toBe('matrix');
      expect(chosen(linearOf(77, 37, 21), caps)).toBe('matrix');
      expect(chosen(convOf(64, 320, 320), caps)).toBe('matrix');
      expect(chosen(convOf(64, 320, 320, 3, 2), caps)).toBe('matrix');
      expect(chosen(convOf(64, 320, 640, 1), caps)).toBe('matrix');
      expect(chosen(convOf(64, 3, 3), caps)).toBe('matrix');
    }
  });

  it('takes nothing else', () => {
    const without = (changed: Partial<DeviceCaps>) => ({ ...NVIDIA, ...changed });
    expect(chosen(linearOf(1024, 640, 640), NVIDIA, 'f32')).not.toBe('matrix');
    for (const caps of [
      without({ matrixConfigs: [] }),
      without({ f16: false }),
      without({ matrixConfigs: [{ ...matrixShape(16, 16, 16), resultComponentType: 'f16' }] }),
      without({ matrixConfigs: [{ ...matrixShape(16, 16, 32), componentType: 'i8', resultComponentType: 'i32' }] }),
      without({ matrixConfigs: [matrixShape(16, 16, 4)] }),
      without({ maxWorkgroupBytes: 4096 }),
      without({ maxInvocations: 32 }),
    ]) {
      expect(chosen(linearOf(1024, 640, 640), caps)).not.toBe('matrix');
      expect(chosen(convOf(64, 320, 320), caps)).not.toBe('matrix');
    }
  });

  it('leaves vectors to other kernels', () => {
    expect(chosen(linearOf(1, 640, 640), NVIDIA)).not.toBe('matrix');
    const batched = (g: GraphBuilder) =>
      g.linear(g.input('x', [64, 640]), g.linearWeight(640, [640], ['w']), null, 640);
    expect(chosen(batched, NVIDIA)).not.toBe('matrix');
  });

  it('leaves CPU drivers alone unless forced', () => {
    const software = { ...gpuCaps([matrixShape(8, 8, 8)], 8), software: true };
    expect(chosen(linearOf(1024, 640, 640), software)).toBe('cpu');
    expect(chosen(convOf(64, 320, 320), software)).toBe('cpu');
    expect(chosen(convOf(64, 320, 320, 3, 2), software)).not.toBe('matrix');
    expect(compileNode(convOf(64, 320, 320, 3, 2), software, { variants: { conv2d: 'matrix' } }).variant).toBe(
      'matrix',
    );
  });
});

describe('full-size Karlo in f16', () => {
  const o = { batch: 1, guided: true, dtype: 'f16' as const };
  const graphs = {
    decoder: decoderStepGraph(parseUNet2DConditionConfig(KARLO.decoder), { ...o, tokens: 81 }),
    superRes: superResStepGraph(parseUNet2DConfig(KARLO.super_res_first), { ...o, size: 256 }),
  };

  it.each(Object.entries(graphs))('%s: every convolution on matrix units, in few pipelines', (_, graph) => {
    const convs = compileGraph(graph, NVIDIA).nodes.filter(({ node }) => node.op === 'conv2d');
    expect(convs.length).toBeGreaterThan(50);
    expect(new Set(convs.map(({ variant }) => variant))).toEqual(new Set(['matrix']));
    const pipelines = new Set(convs.flatMap(({ kernels }) => kernels.map(pipelineKey)));
    expect(pipelines.size).toBeLessThanOrEqual(20);
  });
});

describe('which tiles', () => {
  it('prefers the largest shape of f16 operands and f32 sums', () => {
    expect(matrixShapes(NVIDIA).map(({ M, N, K }) => [M, N, K])).toEqual([
      [16, 16, 16],
      [16, 8, 16],
      [16, 8, 8],
    ]);
  });

  it('is large for much work, narrow for few columns, and keeps cores busy with little work', () => {
    const best = (rows: number, depth: number, columns: number) => {
      const { BM, BN, SLICES } = matrixTunings({ rows, columns, depth }, NVIDIA)[0]!;
      return `${BM}x${BN}x${SLICES}`;
    };
    expect(best(8192, 8192, 8192)).toBe('128x256x1');
    expect(best(4096, 2880, 320)).toBe('128x128x1');
    expect(best(65536, 2880, 3)).toBe('128x32x1');
    expect(best(64, 11520, 1280)).toBe('64x64x4');
    expect(best(64, 320, 1280)).toBe('64x64x1');
  });

  it('never looks at the batch', () => {
    const conv = (batch: number) => (g: GraphBuilder) =>
      g.conv2d(g.input('x', [batch, 16, 16, 64]), g.convWeight(64, 64, 3, 'w'), null, {
        outChannels: 64,
        kernel: 3,
        pad: 1,
      });
    const [one, many] = [compileNode(conv(1), NVIDIA), compileNode(conv(16), NVIDIA)];
    expect(many.variant).toBe(one.variant);
    expect(many.tuning).toEqual(one.tuning);
  });

  it('fits the limits of every adapter', () => {
    for (const caps of [
      NVIDIA,
      { ...gpuCaps([matrixShape(8, 8, 8)]), maxWorkgroupBytes: 32768 },
      { ...gpuCaps([matrixShape(16, 16, 16)], 64), maxWorkgroupBytes: 65536 },
      { ...gpuCaps([matrixShape(8, 8, 8)]), maxWorkgroupBytes: 16384, maxInvocations: 256 },
    ]) {
      const tunings = matrixTunings({ rows: 4096, columns: 640, depth: 640 }, caps);
      expect(tunings.length).toBeGreaterThan(0);
      for (const t of tunings) {
        expect(matrixWorkgroupBytes(t)).toBeLessThanOrEqual(caps.maxWorkgroupBytes);
        const threads = (t.BM / t.WM) * (t.BN / t.WN) * caps.subgroupMaxSize;
        expect(threads).toBeLessThanOrEqual(caps.maxInvocations);
      }
    }
  });
});
