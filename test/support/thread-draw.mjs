// Draws in a worker thread, or in several and the main thread at once, and prints the pictures' hashes: node thread-draw.mjs DIST MODEL THREADS
import { createHash } from 'node:crypto';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';

async function draw([dist, model]) {
  const { Unclip } = await import(dist);
  const unclip = await Unclip.load(model, { dtype: 'f32' });
  const { images } = await unclip.generate({ prompt: 'a red panda', seed: 3, priorSteps: 2, decoderSteps: 2, superResSteps: 2 });
  await unclip.dispose();
  return createHash('sha256').update(images[0].data).digest('hex');
}

if (isMainThread) {
  const args = process.argv.slice(2);
  const threads = Array.from({ length: Number(args[2]) }, () => {
    const worker = new Worker(new URL(import.meta.url), { workerData: args });
    return new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject));
  });
  for (const hash of await Promise.all([...threads, draw(args)])) console.log(hash);
} else parentPort.postMessage(await draw(workerData));
