import { afterAll, describe, expect, it } from 'vitest';
import { Device } from '../../src/ts/gpu/device.js';
import { isSoftware } from '../../src/ts/gpu/find-adapter.js';
import { PipelineCache } from '../../src/ts/gpu/pipelines.js';
import { withGentlePolling } from '../../src/ts/gpu/poll.js';
import type { Kernel } from '../../src/ts/ops/types.js';

const device = await Device.open();
afterAll(() => device.destroy());

const info = (description: string, architecture = ''): GPUAdapterInfo =>
  ({ description, architecture, device: '', vendor: '' }) as unknown as GPUAdapterInfo;

describe('isSoftware', () => {
  it.each([
    ['llvmpipe: Mesa 25.0.7 (LLVM 15.0.6)', true],
    ['SwiftShader Device (Subzero)', true],
    ['Microsoft Basic Render Driver', true],
    ['NVIDIA H200', false],
    ['AMD Radeon RX 7900 XTX (RADV NAVI31)', false],
  ])('%s: %s', (name, software) => {
    expect(isSoftware(info(name))).toBe(software);
  });
});

describe('Device', () => {
  it('refuses a buffer beyond the limit before any memory is taken', () => {
    expect(() => device.createBuffer('huge', 2 ** 40, GPUBufferUsage.STORAGE)).toThrow(
      expect.objectContaining({ code: 'GPU_LIMIT_EXCEEDED' }),
    );
  });

  it('reads back what was written', async () => {
    const buffer = device.createBuffer('x', 1024, GPUBufferUsage.COPY_DST | GPUBufferUsage.COPY_SRC);
    device.gpu.queue.writeBuffer(buffer, 0, new Uint32Array([1, 2, 3, 4]));
    expect([...new Uint32Array(await device.readBuffer(buffer, 4, 8))]).toEqual([2, 3]);
    buffer.destroy();
  });

  it('reports a command that Dawn refuses, once', async () => {
    const buffer = device.createBuffer('x', 256, GPUBufferUsage.COPY_DST);
    device.gpu.queue.writeBuffer(buffer, 252, new Uint32Array(8));
    await expect(device.idle()).rejects.toMatchObject({ code: 'GRAPH_INVALID' });
    await device.idle();
  });

  it('says that a device is gone', async () => {
    const other = await Device.open();
    other.destroy();
    await other.gpu.lost;
    expect(other.lost).toBe(true);
    expect(() => other.check()).toThrow(expect.objectContaining({ code: 'GPU_DEVICE_LOST' }));
  });

  it('names the kind of adapter that is missing', async () => {
    const wrong = device.adapter.software ? 'hardware' : 'software';
    const opened = await Device.open({ adapter: wrong }).then(
      (d) => d,
      (error: { code: string }) => error.code,
    );
    if (opened instanceof Device) opened.destroy();
    else expect(opened).toBe('GPU_NO_ADAPTER');
  });
});

describe('PipelineCache', () => {
  const kernel = (shader: string, defines: Kernel['defines'] = {}): Kernel => ({
    shader,
    defines,
    constants: {},
    bindings: [{ tensor: null, access: 'readWrite' }],
    params: new Uint32Array(0),
    grid: [1, 1, 1],
  });

  it('names the shader file that is missing', async () => {
    const cache = new PipelineCache(device);
    await expect(cache.get(kernel('no/such-kernel'))).rejects.toMatchObject({ code: 'GPU_SHADER_INVALID' });
  });

  it('tells kernels of equal text but other numbers apart, and compiles equal ones once', async () => {
    const cache = new PipelineCache(device);
    const a = kernel('common/types', { F16: false });
    await Promise.allSettled([cache.get(a), cache.get({ ...a }), cache.get(kernel('common/types', { F16: true }))]);
    expect(cache.size).toBe(2);
  });
});

describe('withGentlePolling', () => {
  it('puts setImmediate back, also after an error and when nested', async () => {
    const original = globalThis.setImmediate;
    await withGentlePolling(() => withGentlePolling(async () => expect(globalThis.setImmediate).not.toBe(original)));
    await expect(withGentlePolling(() => Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect(globalThis.setImmediate).toBe(original);
  });
});
