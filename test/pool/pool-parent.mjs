// Draws in two workers: node pool-parent.mjs DIST MODEL PICTURES. Prints the workers' ids, then a line for every picture. SIGINT
// and SIGTERM are left alone, as by a service that is about to finish what is under way.
const [dist, model, pictures] = process.argv.slice(2);
const { PicturePool } = await import(dist);
process.on('SIGINT', () => {});
process.on('SIGTERM', () => {});
const pool = await PicturePool.load(model, { workers: 2, dtype: 'f32' });
console.log(`workers ${pool.metrics().workers.map(({ pid }) => pid).join(' ')}`);
const settings = { priorSteps: 2, decoderSteps: 3, superResSteps: 2 };
const items = Array.from({ length: Number(pictures) }, (_, k) => ({ prompt: 'a red panda', seed: k }));
await Promise.all(pool.submit(items, { settings }).map((picture) => picture.then(({ seed }) => console.log(`drawn ${seed}`))));
await pool.close();
