// What a service meets in a day, in a seeded order: pictures asked for in several ways, readers that leave, and bodies that are wrong.
import sharp from 'sharp';

/** @typedef {{ kind: string, outcome: string, ms: number, digest?: { key: string, bytes: string } }} Answer */

/** Few steps: it is the service that is tried here. */
const STEPS = { num_inference_steps: 4, prior_num_inference_steps: 2, super_res_num_inference_steps: 2 };

const PROMPTS = [
  'a red ball on the grass',
  'a blue cube on the beach',
  'a green car in the parking lot',
  'a white sofa',
];

const WRONG = [
  () => json('{"prompt":'),
  () => json(JSON.stringify({ prompt: 'a', n: 0 })),
  () => json(JSON.stringify({ prompt: 7 })),
  () => json(JSON.stringify({ prompt: 'a', num_inference_steps: 1e9 })),
  () => json(JSON.stringify({ prompt: 'a', size: '17x17' })),
  () => ({ body: 'nonsense', headers: { 'content-type': 'multipart/form-data; boundary=x' } }),
  () => ({ body: new Uint8Array(100_000), headers: { 'content-type': 'application/octet-stream' } }),
];

const json = (body) => ({ body, headers: { 'content-type': 'application/json' } });

/** Pictures that requests bring. @param {number} size @returns {Promise<{ image: Blob, mask: Blob }>} */
export async function broughtPictures(size) {
  const png = async (background, channels) =>
    new Blob(
      [
        await sharp({ create: { width: size, height: size, channels, background } })
          .png()
          .toBuffer(),
      ],
      {
        type: 'image/png',
      },
    );
  const half = { input: Buffer.alloc((size * size * 4) / 2, 255), raw: { width: size, height: size / 2, channels: 4 } };
  const mask = await sharp({ create: { width: size, height: size, channels: 4, background: '#0000' } })
    .composite([{ ...half, gravity: 'north' }])
    .png()
    .toBuffer();
  return { image: await png('#7ab8e8', 3), mask: new Blob([mask], { type: 'image/png' }) };
}

/** Requests of the mix, of a hundred. */
const SHARES = { whole: 55, stream: 12, leave: 12, wrong: 13, variation: 5, edit: 3 };

/** The kind of request i of a mix. @param {() => number} random in (0, 1] */
export function kindOf(random) {
  let left = random() * 100;
  for (const [kind, share] of Object.entries(SHARES)) {
    left -= share;
    if (left <= 0) return kind;
  }
  return 'whole';
}

/** Pictures that a request of a kind asks for. */
export const picturesOf = (kind, i) => (kind === 'whole' ? 1 + (i % 2) : kind === 'wrong' ? 0 : 1);

/**
 * Sends request i of a mix.
 * @param {string} url @param {string} kind @param {number} i @param {() => number} random @param {{ image: Blob, mask: Blob }} brought
 * @returns {Promise<Answer>} outcome: 'drawn', 'refused STATUS', 'left', or 'LOST …' for what must never be
 */
export async function send(url, kind, i, random, brought) {
  const begin = performance.now();
  const told = (outcome, digest) => ({ kind, outcome, ms: performance.now() - begin, digest });
  try {
    return told(...(await SENDERS[kind](`${url}/v1/images`, i, random, brought)));
  } catch (error) {
    return told(`LOST ${error.cause?.code ?? error.message}`);
  }
}

/** What a request for pictures says that is the same whenever it is asked again: its picture must be, too. */
const wish = (i, n) => ({ prompt: PROMPTS[i % PROMPTS.length], seed: 100 * (i % 5), n, ...STEPS });

const post = (url, { body, headers }, signal) => fetch(url, { method: 'POST', body, headers, signal });

/** Bad status, or the answer's pictures. */
function pictures(status, text, n, key) {
  if (status === 429 || status === 503) return [`refused ${status}`];
  if (status !== 200) return [`LOST ${status} ${text.slice(0, 200)}`];
  const { data } = JSON.parse(text);
  if (data?.length !== n) return [`LOST ${data?.length} of ${n} pictures`];
  return ['drawn', key && { key, bytes: data[0].b64_json }];
}

const form = (fields) => {
  const body = new FormData();
  for (const [name, value] of Object.entries(fields)) body.append(name, value);
  return { body };
};

const SENDERS = {
  async whole(url, i) {
    const asked = wish(i, picturesOf('whole', i));
    const response = await post(`${url}/generations`, json(JSON.stringify(asked)));
    const { prompt, seed } = asked;
    return pictures(response.status, await response.text(), asked.n, `${prompt} ${seed}`);
  },
  async stream(url, i) {
    const asked = { ...wish(i, 1), stream: true, partial_images: 1 + (i % 3) };
    const response = await post(`${url}/generations`, json(JSON.stringify(asked)));
    const text = await response.text();
    if (response.status !== 200) return pictures(response.status, text, 1);
    const completed = /event: image_generation\.completed\ndata: (.*)\n/.exec(text);
    if (completed === null) return [`LOST stream ${text.slice(-200)}`];
    const { b64_json: bytes } = JSON.parse(completed[1]);
    return ['drawn', { key: `${asked.prompt} ${asked.seed}`, bytes }];
  },
  async leave(url, i, random) {
    const gone = AbortSignal.timeout(Math.ceil(3000 * random()));
    try {
      const response = await post(`${url}/generations`, json(JSON.stringify(wish(i, 1))), gone);
      return pictures(response.status, await response.text(), 1);
    } catch (error) {
      if (gone.aborted) return ['left'];
      throw error;
    }
  },
  async wrong(url, i) {
    const response = await post(`${url}/generations`, WRONG[i % WRONG.length]());
    const { error } = JSON.parse(await response.text());
    const fine = response.status >= 400 && response.status < 500 && error?.message !== undefined;
    return [fine ? `refused ${response.status}` : `LOST wrong body answered with ${response.status}`];
  },
  async variation(url, i, _, { image }) {
    const { num_inference_steps, super_res_num_inference_steps } = STEPS;
    const body = form({ image, seed: 100 * (i % 5), num_inference_steps, super_res_num_inference_steps });
    const response = await post(`${url}/variations`, body);
    return pictures(response.status, await response.text(), 1, `variation ${100 * (i % 5)}`);
  },
  async edit(url, i, _, { image, mask }) {
    const { prompt, seed } = wish(i, 1);
    const response = await post(`${url}/edits`, form({ image, mask, prompt, seed, ...STEPS }));
    return pictures(response.status, await response.text(), 1, `edit ${prompt} ${seed}`);
  },
};
