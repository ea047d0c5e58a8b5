// Pictures from a Fastify service of one's own: GET /?prompt=a+red+ball draws one, and stops drawing when the reader leaves.
//   npm install fastify && node example/fastify.mjs
import { fileURLToPath } from 'node:url';
import fastify from 'fastify';
import { Unclip } from 'unclip';

const unclip = await Unclip.load(process.argv[2] ?? fileURLToPath(new URL('../models/bundled', import.meta.url)));
const scheduler = unclip.scheduler();
const app = fastify({ forceCloseConnections: true });

app.get('/', async ({ query }, reply) => {
  const stop = new AbortController();
  reply.raw.once('close', () => stop.abort());
  const settings = unclip.model.info.defaults;
  const seed = Number(query.seed ?? 0);
  const [image] = scheduler.submit([{ prompt: query.prompt ?? '', seed }], { settings, signal: stop.signal });
  return reply.type('image/png').send(await (await image).encode('png'));
});

console.log(await app.listen({ port: Number(process.env.PORT ?? 3000) }));
process.once('SIGTERM', async () => {
  await scheduler.close();
  await app.close();
  await unclip.dispose();
});
