// Pictures from a Fastify service of one's own: GET /?prompt=a+red+ball draws one, and stops drawing when the reader leaves.
//   npm install fastify && node example/fastify.mjs [model folder]
import fastify from 'fastify';
import { Unclip } from 'unclip';

const unclip = await Unclip.load(process.argv[2] ?? 'models/bundled');
const scheduler = unclip.scheduler();
const app = fastify({ forceCloseConnections: true }).addHook('onClose', () => unclip.dispose());
app.get('/', async ({ query: { prompt, seed = 0 } }, reply) => {
  const stop = new AbortController();
  reply.raw.once('close', () => stop.abort());
  const [image] = scheduler.submit([{ prompt, seed: Number(seed) }], { signal: stop.signal });
  return reply.type('image/png').send(await (await image).encode());
});
process.once('SIGTERM', () => app.close());
console.log(await app.listen({ port: Number(process.env.PORT ?? 3000) }));
