import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import OpenAI from 'openai';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readPictureParameters } from '../../src/ts/image/parameters.js';
import { DEFAULTS, TestModel, type TestServer } from './support.js';

let model: TestModel;
let server: TestServer;
let client: OpenAI;
const folder = mkdtempSync(join(tmpdir(), 'unclip-answers-'));

beforeAll(async () => {
  model = await TestModel.load();
  server = await model.serve({ aliases: ['dall-e-2'] });
  client = server.client();
});
afterAll(async () => {
  rmSync(folder, { recursive: true, force: true });
  await model.close();
});

const bytesOf = (b64: string | undefined): Buffer => Buffer.from(b64!, 'base64');
const rawPixels = (picture: Buffer): Promise<Buffer> => sharp(picture).raw().toBuffer();
/** Fields beside the standard's, which the client's types do not know. */
const more = (fields: object): object => fields;

describe("the official client's image surface", () => {
  it('draws pictures from text: those that the library draws', async () => {
    const answer = await client.images.generate({ prompt: 'a red ball', n: 2, size: '32x32', ...more({ seed: 7 }) });
    expect(Math.abs(answer.created - Date.now() / 1000)).toBeLessThan(60);
    expect(answer).toMatchObject({ background: 'opaque', output_format: 'png', size: '32x32' });
    expect(answer.usage!.total_tokens).toBe(model.unclip.model.tokenizer.encode('a red ball').length);
    expect(answer.data).toHaveLength(2);
    const { images } = await model.unclip.generate({ prompt: 'a red ball', n: 2, seed: 7 });
    for (const [k, image] of images.entries())
      expect(await rawPixels(bytesOf(answer.data![k]!.b64_json))).toEqual(await rawPixels(await image.encode()));
  });

  it.each(['png', 'jpeg', 'webp'] as const)(
    'writes into %s what drew it, and nothing of this machine',
    async (format) => {
      const { data } = await client.images.generate({
        prompt: 'a red ball',
        output_format: format,
        ...more({ seed: 7 }),
      });
      const file = join(folder, `answered.${format}`);
      writeFileSync(file, bytesOf(data![0]!.b64_json));
      const { name } = model.unclip.model.info;
      const { hash, folder: modelFolder } = model.unclip.model;
      expect(await readPictureParameters(file)).toMatchObject({
        prompt: 'a red ball',
        seed: 7,
        model: name,
        modelHash: hash,
      });
      expect(readFileSync(file).includes(modelFolder)).toBe(false);
    },
  );

  it('takes seed, steps and guidance beside the standard, and says what it drew with', async () => {
    const fields = { seed: 3, num_inference_steps: 4, guidance_scale: 1.5, prior_num_inference_steps: 3 };
    const answer = await client.images.generate({ prompt: 'a cube', ...more(fields) });
    const { images } = await model.unclip.generate({
      prompt: 'a cube',
      seed: 3,
      decoderSteps: 4,
      decoderGuidanceScale: 1.5,
      priorSteps: 3,
    });
    expect(await rawPixels(bytesOf(answer.data![0]!.b64_json))).toEqual(await rawPixels(await images[0]!.encode()));
    expect(answer).toMatchObject({
      data: [{ seed: 3 }],
      settings: {
        num_inference_steps: 4,
        guidance_scale: 1.5,
        prior_num_inference_steps: 3,
        prior_guidance_scale: DEFAULTS.priorGuidanceScale,
        super_res_num_inference_steps: DEFAULTS.superResSteps,
      },
    });
  });

  it('accepts every standard field, null where the standard has it', async () => {
    const answer = await client.images.generate({
      prompt: 'a cone',
      model: 'dall-e-2',
      n: null,
      size: 'auto',
      quality: 'high',
      style: 'vivid',
      background: 'opaque',
      moderation: 'low',
      response_format: 'b64_json',
      output_format: null,
      output_compression: null,
      partial_images: null,
      stream: null,
      user: 'somebody',
    });
    expect(answer).toMatchObject({ quality: 'high', safety_identifier: 'somebody' });
    expect(answer.data).toHaveLength(1);
  });

  it.each(['png', 'jpeg', 'webp'] as const)('answers %s', async (format) => {
    const compression = format === 'png' ? {} : { output_compression: 60 };
    const answer = await client.images.generate({ prompt: 'a bus', output_format: format, ...compression });
    expect(answer.output_format).toBe(format);
    const { format: found, width, height } = await sharp(bytesOf(answer.data![0]!.b64_json)).metadata();
    expect({ found, width, height }).toEqual({ found: format, width: 32, height: 32 });
  });

  it('answers addresses where they are asked for', async () => {
    const answer = await client.images.generate({ prompt: 'a lamp', response_format: 'url', output_format: 'webp' });
    const { url, b64_json } = answer.data![0]!;
    expect(b64_json).toBeUndefined();
    expect(url).toMatch(new RegExp(`^${server.url}/pictures/[0-9a-f]{32}\\.webp$`));
    const picture = await fetch(url!);
    expect(picture.headers.get('content-type')).toBe('image/webp');
    expect((await sharp(Buffer.from(await picture.arrayBuffer())).metadata()).width).toBe(32);
    const missing = await fetch(`${server.url}/pictures/${'0'.repeat(32)}.webp`);
    expect(missing.status).toBe(404);
    expect((await fetch(`${server.url}/pictures/..%2f..%2fetc%2fpasswd`)).status).toBe(404);
  });

  it('streams unfinished pictures and the finished one by the standard names', async () => {
    const body = { prompt: 'a house', stream: true, partial_images: 2, ...more({ seed: 5 }) } as const;
    const events: OpenAI.ImageGenStreamEvent[] = [];
    for await (const event of await client.images.generate(body)) events.push(event);
    expect(events.map((event) => event.type)).toEqual([
      'image_generation.partial_image',
      'image_generation.partial_image',
      'image_generation.completed',
    ]);
    expect(events.slice(0, 2)).toMatchObject([{ partial_image_index: 0 }, { partial_image_index: 1 }]);
    for (const event of events) {
      expect(event).toMatchObject({ background: 'opaque', output_format: 'png', quality: 'auto', size: '32x32' });
      expect(event.created_at).toBeGreaterThan(1.7e9);
      const { format, width, height } = await sharp(bytesOf(event.b64_json)).metadata();
      expect({ format, width, height }).toEqual({ format: 'png', width: 32, height: 32 });
    }
    const whole = await client.images.generate({ prompt: 'a house', ...more({ seed: 5 }) });
    expect(events[2]).toMatchObject({ b64_json: whole.data![0]!.b64_json, usage: whole.usage });
  });

  it('streams several pictures', async () => {
    const indices: unknown[] = [];
    for await (const event of await client.images.generate({ prompt: 'a car', stream: true, n: 3 }))
      indices.push((event as { image_index?: number }).image_index);
    expect(indices.sort()).toEqual([0, 1, 2]);
  });

  it('lists and describes its models', async () => {
    const ids: string[] = [];
    for await (const { id } of client.models.list()) ids.push(id);
    expect(ids).toEqual(['tiny', 'dall-e-2']);
    expect(await client.models.retrieve('dall-e-2')).toMatchObject({ id: 'dall-e-2', object: 'model' });
    await expect(client.models.retrieve('gpt-5')).rejects.toThrow(OpenAI.NotFoundError);
  });

  it('throws the errors of the standard, with the id of the request', async () => {
    const refused = await client.images.generate({ prompt: 'a', model: 'dall-e-3' }).catch((e: unknown) => e);
    expect(refused).toBeInstanceOf(OpenAI.NotFoundError);
    expect(refused).toMatchObject({ status: 404, code: 'model_not_found', param: 'model' });
    expect((refused as InstanceType<typeof OpenAI.APIError>).requestID).toMatch(/^req_[0-9a-f]{32}$/);
    await expect(client.images.generate({ prompt: 'a', n: 11 })).rejects.toMatchObject({
      status: 400,
      type: 'invalid_request_error',
      param: 'n',
      code: 'integer_above_max_value',
    });
    await expect(client.images.generate({ prompt: 'a', ...more({ prior: 'ar' }) })).rejects.toMatchObject({
      status: 400,
      param: 'prior',
      code: 'unsupported_model',
    });
    await expect(client.images.generate({ prompt: 'a', stream: true, size: '64x64' })).rejects.toThrow(
      "Invalid value: '64x64'. Supported values are: 'auto' and '32x32'.",
    );
  });
});

describe('what the service tells about itself', () => {
  it('is in the format of Prometheus', async () => {
    await client.images.generate({ prompt: 'a ball', n: 2 });
    await client.images.generate({ prompt: 'a ball', n: 0 }).catch(() => {});
    const response = await fetch(`${server.url}/metrics`);
    expect(response.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/);
    const sample = /^[a-z_:][a-z0-9_:]*(\{[a-z_]+="[^"\n]*"(,[a-z_]+="[^"\n]*")*\})? (-?[0-9.e+-]+|\+Inf|NaN)$/;
    const lines = (await response.text()).split('\n').filter((line) => line !== '' && !line.startsWith('#'));
    expect(lines.filter((line) => !sample.test(line))).toEqual([]);
    const least = {
      unclip_queue_delay_seconds_count: 1,
      'unclip_pictures_total{outcome="finished"}': 2,
      'unclip_steps_total{stage="decoder",batch="2"}': DEFAULTS.decoderSteps,
      'unclip_step_seconds_total{stage="superResLast"}': 1e-6,
      'unclip_request_failures_total{reason="integer_below_min_value"}': 1,
      'unclip_http_request_duration_seconds_count{route="/v1/images/generations",method="POST",status="200"}': 1,
      unclip_gpu_memory_planned_bytes: 1e5,
      unclip_gpu_memory_used_bytes: 1e5,
      nodejs_eventloop_lag_p99_seconds: 0,
    };
    for (const [name, value] of Object.entries(least))
      expect(await server.metric(name), name).toBeGreaterThanOrEqual(value);
    expect(await server.metric('unclip_active_pictures{stage="decoder"}')).toBe(0);
  });

  it('is an OpenAPI document of every route', async () => {
    const document = (await (await fetch(`${server.url}/openapi.json`)).json()) as {
      openapi: string;
      paths: Record<string, Record<string, { requestBody?: object; responses: object }>>;
    };
    expect(document.openapi).toBe('3.1.0');
    expect(Object.keys(document.paths).sort()).toEqual([
      '/healthz',
      '/metrics',
      '/pictures/{name}',
      '/readyz',
      '/v1/images/edits',
      '/v1/images/generations',
      '/v1/images/variations',
      '/v1/models',
      '/v1/models/{model}',
    ]);
    const form = document.paths['/v1/images/edits']!.post!.requestBody;
    expect(form).toMatchObject({
      content: { 'multipart/form-data': { schema: { properties: { image: { type: 'string', format: 'binary' } } } } },
    });
    const { requestBody, responses } = document.paths['/v1/images/generations']!.post!;
    expect(requestBody).toMatchObject({
      required: true,
      content: { 'application/json': { schema: { required: ['prompt'], properties: { prompt: { type: 'string' } } } } },
    });
    expect(Object.keys(responses)).toEqual(expect.arrayContaining(['200', '4XX', '5XX']));
    expect(JSON.stringify(document)).not.toContain('$ref');
  });
});
