import type { Kernel } from '../ops/types.js';
import type { Device } from './device.js';
import { gpuError } from './instance.js';
import { preprocess } from './preprocess.js';

/** Bytes of immediates every pipeline layout reserves: the most a core device has. */
export const IMMEDIATE_BYTES = 64;

interface Layout {
  readonly group: GPUBindGroupLayout;
  readonly pipeline: GPUPipelineLayout;
}

/** What of a kernel makes a pipeline; parameters, grid and buffers do not. */
export function pipelineKey(kernel: Kernel): string {
  const access = kernel.bindings.map((b) => (b.access === 'read' ? 'r' : 'w')).join('');
  return `${kernel.shader}|${sorted(kernel.defines)}|${sorted(kernel.constants)}|${access}`;
}

/** Compute pipelines of a device, one for each distinct kernel, compiled once (Dawn itself does not share equal ones). */
export class PipelineCache {
  readonly #device: Device;
  readonly #layouts = new Map<string, Layout>();
  readonly #pipelines = new Map<string, Promise<GPUComputePipeline>>();

  constructor(device: Device) {
    this.#device = device;
  }

  get size(): number {
    return this.#pipelines.size;
  }

  layout(kernel: Kernel): Layout {
    const access = kernel.bindings.map((b) => (b.access === 'read' ? 'r' : 'w')).join('');
    let layout = this.#layouts.get(access);
    if (layout === undefined) {
      const group = this.#device.gpu.createBindGroupLayout({
        entries: kernel.bindings.map((b, binding) => ({
          binding,
          visibility: GPUShaderStage.COMPUTE,
          buffer: { type: b.access === 'read' ? ('read-only-storage' as const) : ('storage' as const) },
        })),
      });
      const descriptor = { bindGroupLayouts: [group], immediateSize: IMMEDIATE_BYTES } as GPUPipelineLayoutDescriptor;
      layout = { group, pipeline: this.#device.gpu.createPipelineLayout(descriptor) };
      this.#layouts.set(access, layout);
    }
    return layout;
  }

  /** The pipeline of a kernel. @throws UnclipError GPU_SHADER_INVALID with the compiler's first message. */
  get(kernel: Kernel): Promise<GPUComputePipeline> {
    const key = pipelineKey(kernel);
    let pipeline = this.#pipelines.get(key);
    if (pipeline === undefined) {
      pipeline = this.#compile(kernel, key);
      this.#pipelines.set(key, pipeline);
    }
    return pipeline;
  }

  async #compile(kernel: Kernel, key: string): Promise<GPUComputePipeline> {
    const code = preprocess(kernel.shader, kernel.defines);
    const { gpu } = this.#device;
    const shader = gpu.createShaderModule({ label: key, code });
    const descriptor: GPUComputePipelineDescriptor = {
      label: key,
      layout: this.layout(kernel).pipeline,
      compute: { module: shader, entryPoint: 'main', constants: { ...kernel.constants } },
    };
    try {
      return await this.#device.wait(() => gpu.createComputePipelineAsync(descriptor));
    } catch (cause) {
      this.#device.check();
      const info = await this.#device.wait(() => shader.getCompilationInfo());
      const first = info.messages.find((m) => m.type === 'error');
      const where = first === undefined ? '' : ` (line ${first.lineNum} of the preprocessed text: ${first.message})`;
      throw gpuError('GPU_SHADER_INVALID', `kernel ${key} does not compile${where}`, cause);
    }
  }
}

const sorted = (record: Readonly<Record<string, boolean | number>>): string =>
  Object.keys(record)
    .sort()
    .map((k) => `${k}=${record[k]}`)
    .join(',');
