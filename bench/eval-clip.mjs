// npm run eval:clip [-- --model DIR --pictures N --seed S --dtype f32|f16 --json FILE]
// How often the model's CLIP ranks the right caption of a held-out render first. README.md says how to read it.
import { writeFileSync } from 'node:fs';
import { Clip, cosineSimilarity } from '../dist/index.js';
import { COLOURS, PLACE_PHRASES, PLACES, THINGS } from '../training/world/words.mjs';
import { oneOf, readOptions, wholeNumber } from './eval/options.mjs';
import { wilson } from './eval/statistics.mjs';
import { heldOut, render } from './eval/world.mjs';

const values = readOptions(
  'npm run eval:clip -- [--model DIR] [--pictures N] [--seed S] [--dtype auto|f32|f16] [--json FILE]',
  {
    pictures: { type: 'string', default: '200' },
    seed: { type: 'string', default: '1' },
    dtype: { type: 'string', default: 'auto' },
    json: { type: 'string' },
  },
);
const seed = wholeNumber(values, 'seed', 0);
const wanted = heldOut(wholeNumber(values, 'pictures', 1), seed);
const dtype = oneOf(values, 'dtype', ['auto', 'f32', 'f16']);

const article = (word) => (/^[aeiou]/.test(word) ? 'an' : 'a');
const say = ({ colour, thing, place }) => `${article(colour)} ${colour} ${thing} ${PLACE_PHRASES[place][0]}`;

/** Every scene of one thing; captions that differ from a picture's in one attribute are among them. */
const scenes = THINGS.flatMap((thing) =>
  COLOURS.flatMap((colour) => PLACES.map((place) => ({ thing, colour, place }))),
);
const sameBut = (name) => (w) =>
  scenes.filter((s) => ['thing', 'colour', 'place'].every((k) => k === name || s[k] === w[k]));
const GROUPS = {
  [`thing (1 of ${THINGS.length})`]: sameBut('thing'),
  [`colour (1 of ${COLOURS.length})`]: sameBut('colour'),
  [`place (1 of ${PLACES.length})`]: sameBut('place'),
  [`whole caption (1 of ${scenes.length})`]: () => scenes,
};

const clip = await Clip.load(values.model, { dtype });
try {
  const pictures = [];
  for (const [i, w] of wanted.entries()) pictures.push(await render(w, seed * wanted.length + i));
  const embedded = await clip.embed({ texts: scenes.map(say), pictures });
  /** cosines[picture][scene] */
  const cosines = embedded.pictures.map((p) => embedded.texts.map((t) => cosineSimilarity(p, t)));
  const indexOf = (w) => scenes.findIndex((s) => s.thing === w.thing && s.colour === w.colour && s.place === w.place);
  const rows = Object.entries(GROUPS).map(([name, among]) => {
    const right = wanted.filter((w, i) => {
      const own = cosines[i][indexOf(w)];
      return among(w).every((s) => indexOf(s) === indexOf(w) || cosines[i][indexOf(s)] < own);
    }).length;
    return { captions: name, pictures: wanted.length, share: right / wanted.length, ...wilson(right, wanted.length) };
  });
  /** Mean −log p of the right caption of all, for a logit scale. */
  const loss = (scale) =>
    cosines.reduce((sum, row, i) => {
      const best = Math.max(...row);
      return (
        sum +
        Math.log(row.reduce((z, c) => z + Math.exp(scale * (c - best)), 0)) -
        scale * (row[indexOf(wanted[i])] - best)
      );
    }, 0) / cosines.length;
  const scales = Array.from({ length: 200 }, (_, i) => i + 1);
  const fitted = scales.reduce((a, b) => (loss(b) < loss(a) ? b : a));
  const report = {
    model: values.model,
    dtype: clip.dtype,
    adapter: clip.adapter.name,
    seed,
    rows,
    logitScale: {
      used: clip.model.logitScale,
      lossUsed: loss(clip.model.logitScale.value),
      fitted,
      lossFitted: loss(fitted),
    },
  };
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(report, null, 2)}\n`);
  for (const { captions, pictures: n, share, low, high } of rows)
    console.log(
      `${captions.padEnd(26)} ${(100 * share).toFixed(1)} % of ${n} right first [${(100 * low).toFixed(1)}, ${(100 * high).toFixed(1)}]`,
    );
  const { used, lossUsed, lossFitted } = report.logitScale;
  console.log(
    `logit scale ${used.value}: loss ${lossUsed.toFixed(3)}; best on these pictures: ${fitted}, loss ${lossFitted.toFixed(3)}`,
  );
} finally {
  await clip.dispose();
}
