// Draws in a worker thread, so that the main thread has no part in it, and shows the picture as it comes.
//   node example/worker.mjs ["a prompt"] [model folder]     writes partial-0.png … picture-0.png; Ctrl-C stops within a step
// The thread ends by itself once its Unclip is disposed; worker.terminate() in the middle of a step would abort the process.
import { writeFile } from 'node:fs/promises';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { encodePicture, Unclip } from 'unclip';

if (isMainThread) {
  const [prompt = 'a red ball on the grass', model = 'models/bundled'] = process.argv.slice(2);
  const worker = new Worker(new URL(import.meta.url), { workerData: { prompt, model } });
  process.once('SIGINT', () => worker.postMessage('stop'));
  worker.on('message', async ({ name, bytes }) => {
    await writeFile(name, bytes);
    console.log(name);
  });
} else {
  const stop = new AbortController();
  parentPort.once('message', () => stop.abort()).unref();
  const unclip = await Unclip.load(workerData.model);
  const items = [{ prompt: workerData.prompt, seed: 7 }];
  try {
    for await (const event of unclip.scheduler().stream(items, { partialImages: 3, signal: stop.signal })) {
      const { type, picture, number, image } = event;
      if (type === 'partial')
        parentPort.postMessage({ name: `partial-${number}.png`, bytes: await encodePicture(image, { format: 'png' }) });
      if (type === 'image') parentPort.postMessage({ name: `picture-${picture}.png`, bytes: await image.encode() });
    }
  } finally {
    await unclip.dispose();
  }
}
