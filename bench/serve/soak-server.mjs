// The service in a process of its own that can lose its device on demand: node soak-server.mjs MODEL BATCH MAXQUEUE
// Messages from its parent: 'lose the device', 'report' (answered with memory and event loop since the last report), 'end'.
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { Unclip } from '../../dist/index.js';
import { ImageServer } from '../../dist/serve/server.js';

const [model, batchSize, maxQueued] = process.argv.slice(2);
const unclip = await Unclip.load(model, { batchSize: Number(batchSize) });
const server = await ImageServer.create(unclip, { port: 0, maxQueued: Number(maxQueued), logLevel: 'silent' });
const delay = monitorEventLoopDelay({ resolution: 1 });
delay.enable();

process.on('message', async (message) => {
  if (message === 'lose the device') unclip.runtime.device.gpu.destroy();
  if (message === 'report') {
    const { rss, heapUsed, external } = process.memoryUsage();
    process.send({ rss, heapUsed, external, loopP99Ms: delay.percentile(99) / 1e6, loopMaxMs: delay.max / 1e6 });
    delay.reset();
  }
  if (message === 'end') {
    await server.drain();
    await unclip.dispose();
    process.disconnect();
  }
});
process.send({ url: await server.listen(), adapter: unclip.adapter, caps: unclip.runtime.device.caps });
