// Asks Dawn for an adapter and lets it compute something, in a process of its own: a driver that crashes takes only this
// one along. Prints one line of JSON. Run by scripts/setup.mjs after the TypeScript is built.
import { fallBackToPrivateDriver, prepareDriverEnvironment } from '../../dist/gpu/driver-env.js';

const SHADER = `
@group(0) @binding(0) var<storage, read_write> data: array<u32>;
@compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) { data[id.x] = id.x * id.x + 7u; }`;
const COUNT = 64;

/** Runs one small kernel and compares what comes back. */
async function computes(adapter) {
  const device = await adapter.requestDevice();
  const bytes = COUNT * 4;
  const storage = device.createBuffer({ size: bytes, usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC });
  const staging = device.createBuffer({ size: bytes, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST });
  const module = device.createShaderModule({ code: SHADER });
  const pipeline = await device.createComputePipelineAsync({ layout: 'auto', compute: { module, entryPoint: 'main' } });
  const layout = pipeline.getBindGroupLayout(0);
  const group = device.createBindGroup({ layout, entries: [{ binding: 0, resource: { buffer: storage } }] });
  const encoder = device.createCommandEncoder();
  const pass = encoder.beginComputePass();
  pass.setPipeline(pipeline);
  pass.setBindGroup(0, group);
  pass.dispatchWorkgroups(1);
  pass.end();
  encoder.copyBufferToBuffer(storage, 0, staging, 0, bytes);
  device.queue.submit([encoder.finish()]);
  await staging.mapAsync(GPUMapMode.READ);
  const result = new Uint32Array(staging.getMappedRange().slice(0));
  device.destroy();
  return result.every((value, i) => value === i * i + 7);
}

async function ask(environment, create) {
  const gpu = create([]);
  let adapter = await gpu.requestAdapter({ powerPreference: 'high-performance' });
  if (environment.software && adapter && !adapter.info.isFallbackAdapter) {
    // Asked this first, Dawn answers null even where a software driver is there.
    adapter = await gpu.requestAdapter({ forceFallbackAdapter: true });
  }
  if (adapter === null) return undefined;
  const { vendor, description, isFallbackAdapter } = adapter.info;
  const works = await computes(adapter);
  // `gpu` is kept until here: once collected, its promises would never settle.
  return works && gpu ? { description: description || vendor, software: isFallbackAdapter } : undefined;
}

let environment = prepareDriverEnvironment();
const { create, globals } = await import('webgpu');
Object.assign(globalThis, globals);
let found = await ask(environment, create);
if (!found) {
  const other = fallBackToPrivateDriver();
  if (other) {
    environment = other;
    found = await ask(environment, create);
  }
}
process.stdout.write(`${JSON.stringify({ adapter: found ?? null, source: environment.source })}\n`);
