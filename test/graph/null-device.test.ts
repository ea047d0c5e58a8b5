import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Device } from '../../src/ts/gpu/device.js';
import { PipelineCache, pipelineKey } from '../../src/ts/gpu/pipelines.js';
import { compileGraph } from '../../src/ts/graph/compile.js';
import type { ActivationDType } from '../../src/ts/graph/types.js';
import type { DeviceCaps, Kernel } from '../../src/ts/ops/types.js';
import { karlo } from '../models/karlo-graphs.js';
import { GPU as LARGE_GPU } from '../support/gpu-caps.js';

/** A GPU with the workgroup memory and workgroup size of the null adapter, which checks them. */
const GPU: DeviceCaps = { ...LARGE_GPU, maxWorkgroupBytes: 16384, maxInvocations: 256 };

/** Adapters as far as the choice of kernels cares. Matrix units want larger workgroups: test/matrix checks theirs piece by piece. */
const ADAPTERS: readonly (readonly [string, ActivationDType, DeviceCaps])[] = [
  ['subgroups of 32, f16', 'f16', GPU],
  ['subgroups of 32, f32', 'f32', GPU],
  ['subgroups of 64, f16', 'f16', { ...GPU, subgroupSize: 64, subgroupMaxSize: 64 }],
  ['no subgroups, f32', 'f32', { ...GPU, subgroupSize: 0, subgroups: false, subgroupMaxSize: 0 }],
];

/** Dawn's null backend checks WGSL, layouts and pipelines as a GPU's would, and runs nothing. */
describe('every kernel of full-size Karlo is a valid pipeline', () => {
  let device: Device;
  beforeAll(async () => {
    device = await Device.open({ backend: 'null' });
  });
  afterAll(() => device.destroy());

  it.each(ADAPTERS)('%s', async (_, dtype, caps) => {
    const kernels = new Map<string, Kernel>();
    const variants = new Set<string>();
    for (const graph of Object.values(karlo(dtype)))
      for (const { node, variant, kernels: own } of compileGraph(graph, caps).nodes) {
        variants.add(`${node.op}:${variant}`);
        for (const kernel of own) kernels.set(pipelineKey(kernel), kernel);
      }
    const pipelines = new PipelineCache(device);
    await Promise.all([...kernels.values()].map((kernel) => pipelines.get(kernel)));
    device.check();
    expect(pipelines.size).toBe(kernels.size);
    expect([...variants].sort()).toMatchSnapshot();
  });

  it('and one that is wrong is refused', async () => {
    const { kernels } = compileGraph(karlo('f32').textProj!, GPU).nodes[0]!;
    const wrong: Kernel = { ...kernels[0]!, bindings: kernels[0]!.bindings.slice(1) };
    await expect(new PipelineCache(device).get(wrong)).rejects.toMatchObject({ code: 'GPU_SHADER_INVALID' });
  });
});
