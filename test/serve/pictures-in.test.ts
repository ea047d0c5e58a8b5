import OpenAI, { toFile } from 'openai';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decodePicture } from '../../src/ts/image/decode.js';
import { TestModel, type TestServer } from './support.js';

let model: TestModel;
let server: TestServer;
let client: OpenAI;
let picture: Buffer;
let mask: Buffer;

const WIDTH = 40;
const HEIGHT = 32;
/** Columns that are drawn anew, from the left. */
const MASKED = 12;

beforeAll(async () => {
  model = await TestModel.load({ pictures: 'also' });
  server = await model.serve({ maxPixels: 100_000 });
  client = server.client();
  const data = Buffer.from(Array.from({ length: WIDTH * HEIGHT * 3 }, (_, i) => (i * 7 + (i >> 6) * 31) % 256));
  picture = await sharp(data, { raw: { width: WIDTH, height: HEIGHT, channels: 3 } })
    .png()
    .toBuffer();
  // Transparent is drawn anew.
  const pixels = Array.from({ length: WIDTH * HEIGHT }, (_, i) => [0, 0, 0, i % WIDTH < MASKED ? 0 : 255]);
  const alpha = Buffer.from(pixels.flat());
  mask = await sharp(alpha, { raw: { width: WIDTH, height: HEIGHT, channels: 4 } })
    .png()
    .toBuffer();
});
afterAll(() => model.close());

const file = (bytes: Buffer, name = 'picture.png'): Promise<File> => toFile(bytes, name, { type: 'image/png' });
const bytesOf = (b64: string | undefined): Buffer => Buffer.from(b64!, 'base64');
const rgb = async (bytes: Buffer): Promise<Uint8Array> => (await decodePicture(bytes)).data;

/** Number of columns that differ between two pictures, when these are the leftmost ones; NaN when they are not. */
function changedColumns(a: Uint8Array, b: Uint8Array): number {
  expect(a.length).toBe(b.length);
  const changed = new Set<number>();
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) changed.add(Math.floor(i / 3) % WIDTH);
  return Math.max(-1, ...changed) + 1 === changed.size ? changed.size : Number.NaN;
}

describe('variations by the official client', () => {
  it('are those that the library draws, whoever they share batches with', async () => {
    const body = { image: await file(picture), n: 2, size: 'auto', ...{ seed: 9 } } as object;
    const [answer] = await Promise.all([
      client.images.createVariation(body as OpenAI.ImageCreateVariationParams),
      client.images.generate({ prompt: 'beside it', n: 3 }),
    ]);
    expect(answer).toMatchObject({ size: '32x32', data: [{ seed: 9 }, { seed: 10 }] });
    const [again] = (await client.images.createVariation({ image: await file(picture), ...{ seed: 10 } })).data!;
    expect(await rgb(bytesOf(again!.b64_json))).toEqual(await rgb(bytesOf(answer.data![1]!.b64_json)));
    const { images } = await model.unclip.vary({ picture, seed: 9 });
    expect(await rgb(bytesOf(answer.data![0]!.b64_json))).toEqual(await rgb(await images[0]!.encode()));
  });

  it('refuse what is no picture, and more than one', async () => {
    await expect(client.images.createVariation({ image: await file(Buffer.from('no picture')) })).rejects.toMatchObject(
      {
        status: 400,
        code: 'invalid_image_file',
        param: 'image',
      },
    );
    const cut = await file(picture.subarray(0, picture.length / 2));
    await expect(client.images.createVariation({ image: cut })).rejects.toMatchObject({
      status: 400,
      code: 'invalid_image_file',
    });
    const large = await sharp({ create: { width: 400, height: 400, channels: 3, background: 'red' } })
      .png()
      .toBuffer();
    await expect(client.images.createVariation({ image: await file(large) })).rejects.toMatchObject({
      status: 400,
      code: 'image_too_large',
    });
    await expect(client.images.createVariation({} as OpenAI.ImageCreateVariationParams)).rejects.toMatchObject({
      status: 400,
      param: 'image',
    });
  });
});

describe('edits by the official client', () => {
  it('draw what the mask lets them, and keep the rest to the bit', async () => {
    const body = { image: await file(picture), mask: await file(mask, 'mask.png'), prompt: 'a ball', n: 2 };
    const answer = await client.images.edit({ ...body, size: '40x32', ...{ seed: 4 } });
    expect(answer).toMatchObject({ size: '40x32', data: [{ seed: 4 }, { seed: 5 }] });
    const original = await rgb(picture);
    const edited = await Promise.all(answer.data!.map(({ b64_json }) => rgb(bytesOf(b64_json))));
    for (const pixels of edited) expect(changedColumns(original, pixels)).toBe(MASKED);
    const direct = await model.unclip.edit({ picture, mask, prompt: 'a ball', n: 2, seed: 4 });
    expect(edited[1]).toEqual(await rgb(await direct.images[1]!.encode()));
  });

  it('stream by the standard names', async () => {
    const body = { image: [await file(picture)], mask: await file(mask), prompt: 'a ball', stream: true as const };
    const events: OpenAI.ImageEditStreamEvent[] = [];
    for await (const event of await client.images.edit({ ...body, partial_images: 1 })) events.push(event);
    expect(events.map(({ type }) => type)).toEqual(['image_edit.partial_image', 'image_edit.completed']);
    for (const event of events) {
      expect(event.size).toBe('40x32');
      // Unfinished pictures, too, are the whole picture with what is drawn so far in its place.
      const shown = await rgb(bytesOf(event.b64_json));
      expect(changedColumns(await rgb(picture), shown)).toBe(MASKED);
    }
  });

  it('say what is wrong with a request', async () => {
    const image = await file(picture);
    const refused = (body: object): Promise<unknown> =>
      client.images
        .edit({ image, prompt: 'a', ...body } as OpenAI.ImageEditParamsNonStreaming)
        .catch((e: unknown) => e);
    expect(await refused({})).toMatchObject({ status: 400, error: { message: expect.stringContaining('mask') } });
    expect(await refused({ size: '64x64', mask: await file(mask) })).toMatchObject({ status: 400, param: 'size' });
    expect(await refused({ n: 'many' })).toMatchObject({ status: 400, param: 'n', code: 'invalid_type' });
    expect(await refused({ image: [image, await file(mask)] })).toMatchObject({ status: 400, param: 'image' });
    expect(await refused({ mask: 'not a file' })).toMatchObject({ status: 400, param: 'mask' });
    const json = await fetch(`${server.url}/v1/images/edits`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"prompt":"a"}',
    });
    expect(json.status).toBe(400);
  });

  it('end when the client goes away', async () => {
    const stop = new AbortController();
    const many = { image: await file(picture), mask: await file(mask), prompt: 'a', n: 10 };
    const lost = client.images
      .edit({ ...many, ...{ num_inference_steps: 250 } }, { signal: stop.signal })
      .catch((error: unknown) => error);
    await server.until('unclip_edit_pictures', (pictures) => pictures === 10);
    stop.abort();
    expect(await lost).toBeInstanceOf(OpenAI.APIUserAbortError);
    await server.until('unclip_edit_pictures', (pictures) => pictures === 0);
  });

  it('begin again when the device is lost, and come to the same', async () => {
    const body = {
      image: await file(picture),
      mask: await file(mask),
      prompt: 'a',
      ...{ seed: 3, num_inference_steps: 40 },
    };
    const undisturbed = await client.images.edit(body);
    const edited = client.images.edit(body);
    const varied = client.images.createVariation({ image: await file(picture), ...{ seed: 9 } });
    await server.until('unclip_edit_pictures', (pictures) => pictures === 1);
    for (let losses = 0; losses < 2; losses++) {
      await new Promise((resolve) => setTimeout(resolve, 150));
      model.unclip.runtime.device.gpu.destroy();
    }
    expect((await edited).data).toEqual(undisturbed.data);
    expect((await varied).data).toHaveLength(1);
  });
});
