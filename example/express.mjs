// Pictures from an Express app: GET /?prompt=a+red+ball draws one, and stops drawing when the reader leaves.
//   npm install express && node example/express.mjs
import { fileURLToPath } from 'node:url';
import express from 'express';
import { Unclip } from 'unclip';

const unclip = await Unclip.load(process.argv[2] ?? fileURLToPath(new URL('../models/bundled', import.meta.url)));
const scheduler = unclip.scheduler();
const app = express();

app.get('/', async (request, response) => {
  const stop = new AbortController();
  response.once('close', () => stop.abort());
  const settings = unclip.model.info.defaults;
  const item = { prompt: String(request.query.prompt ?? ''), seed: Number(request.query.seed ?? 0) };
  const [image] = scheduler.submit([item], { settings, signal: stop.signal });
  response.type('png').send(await (await image).encode('png'));
});

const server = app.listen(Number(process.env.PORT ?? 3000), () => {
  console.log(`http://127.0.0.1:${server.address().port}`);
});
process.once('SIGTERM', async () => {
  server.close();
  await scheduler.close();
  await unclip.dispose();
  server.closeAllConnections();
});
