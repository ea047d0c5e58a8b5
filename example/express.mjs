// Pictures from an Express app: GET /?prompt=a+red+ball draws one, and stops drawing when the reader leaves.
//   npm install express && node example/express.mjs [model folder]
import express from 'express';
import { Unclip } from 'unclip';

const unclip = await Unclip.load(process.argv[2] ?? 'models/bundled');
const scheduler = unclip.scheduler();
const app = express().get('/', async ({ query: { prompt, seed = 0 } }, response) => {
  const stop = new AbortController();
  response.once('close', () => stop.abort());
  const [image] = scheduler.submit([{ prompt, seed: Number(seed) }], { signal: stop.signal });
  response.type('png').send(await (await image).encode());
});
const server = app.listen(Number(process.env.PORT ?? 3000), '127.0.0.1', () => {
  console.log(`http://127.0.0.1:${server.address().port}`);
});
process.once('SIGTERM', () => server.close(() => unclip.dispose()).closeAllConnections());
