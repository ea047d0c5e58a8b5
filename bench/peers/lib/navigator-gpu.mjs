import { isSoftware } from '../../../dist/gpu/find-adapter.js';
import { gpuInstance } from '../../../dist/gpu/instance.js';
import { withGentlePolling } from '../../../dist/gpu/poll.js';

/**
 * Gives libraries that were written for browsers what they look for: navigator.gpu, by the same Dawn and on the same driver as
 * this engine. Call it before they are imported.
 * @returns {Promise<string>} name of the adapter that they will get
 */
export async function provideNavigatorGpu() {
  const gpu = await gpuInstance();
  const navigator = { gpu, userAgent: 'Node', hardwareConcurrency: 1 };
  Object.defineProperty(globalThis, 'navigator', { value: navigator, configurable: true });
  const adapter = await gpu.requestAdapter({ powerPreference: 'high-performance' });
  if (adapter === null) throw new Error('there is no adapter');
  return `${adapter.info.description || adapter.info.device}${isSoftware(adapter.info) ? ' (software)' : ''}`;
}

/** Awaits a GPU promise with the same sparing polls as this engine, so that a CPU driver keeps its cores. */
export const gently = withGentlePolling;
