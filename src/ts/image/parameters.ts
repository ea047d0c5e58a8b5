import sharp from 'sharp';
import { z } from 'zod';
import { oneLine, pictureError, readPictureFile } from './picture-file.js';
import type { PngText } from './png-text.js';

/** Longest prompt that is written into a file; the model reads 77 tokens, and a JPEG has room for 64 KiB in all. */
const MAX_PROMPT = 8000;

const MAX_TITLE = 200;

/** Keyword of the PNG chunk and name of the XMP element that hold the parameters as JSON. */
const KEY = 'unclip';

const XMP_NAMESPACE = 'urn:unclip:parameters';

const schema = z.looseObject({
  /** Version of unclip that made the picture. */
  version: z.string(),
  /** Name of the model, as the user gave it. */
  model: z.string(),
  /** Hash of the model's files. */
  modelHash: z.string().optional(),
  prompt: z.string().optional(),
  /** Seed of this very picture (the request's seed plus the picture's number). */
  seed: z.number(),
  /** Steps of each stage, by its name. */
  steps: z.record(z.string(), z.number()).optional(),
  /** Guidance scale of each stage, by its name. */
  guidance: z.record(z.string(), z.number()).optional(),
  /** Sampler of prior and decoder, where one was chosen, with the spacing of its steps, and ddim's eta. */
  sampler: z.string().optional(),
  spacing: z.string().optional(),
  eta: z.number().optional(),
});

/** What made a picture: enough to make it again. Further keys are kept as they are. */
export type PictureParameters = z.infer<typeof schema>;

/** The parameters as PNG texts: PNG's standard keywords for people, one JSON text for programs. */
export function parametersAsPngTexts(parameters: PictureParameters): PngText[] {
  const { title, description, software, json } = texts(parameters);
  return [
    ...(title ? [['Title', title] as const] : []),
    ['Description', description],
    ['Software', software],
    [KEY, json],
  ];
}

/** The parameters as an XMP packet, for JPEG and WebP. */
export function parametersAsXmp(parameters: PictureParameters): string {
  const { title, description, software, json } = texts(parameters);
  const alt = (text: string) => `<rdf:Alt><rdf:li xml:lang="x-default">${escapeXml(text)}</rdf:li></rdf:Alt>`;
  return [
    '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>',
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">',
    '<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:xmp="http://ns.adobe.com/xap/1.0/"',
    ` xmlns:${KEY}="${XMP_NAMESPACE}">`,
    title ? `<dc:title>${alt(title)}</dc:title>` : '',
    `<dc:description>${alt(description)}</dc:description>`,
    `<xmp:CreatorTool>${escapeXml(software)}</xmp:CreatorTool>`,
    `<${KEY}:parameters>${escapeXml(json)}</${KEY}:parameters>`,
    '</rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end="w"?>',
  ].join('');
}

/**
 * The parameters that unclip wrote into a PNG, JPEG or WebP file; undefined when the file holds none (or damaged ones).
 * @throws UnclipError INPUT_PICTURE_INVALID when the file cannot be read as a picture
 */
export async function readPictureParameters(path: string): Promise<PictureParameters | undefined> {
  const { bytes, name } = await readPictureFile(path);
  let json: string | undefined;
  try {
    const { comments, xmp } = await sharp(bytes, { limitInputPixels: false }).metadata();
    json = comments?.find(({ keyword }) => keyword === KEY)?.text ?? fromXmp(xmp?.toString('utf8'));
  } catch (cause) {
    throw pictureError(`${name} cannot be read (${oneLine(cause)}); is the file complete?`, cause);
  }
  if (json === undefined) return undefined;
  try {
    return schema.safeParse(JSON.parse(json)).data;
  } catch {
    return undefined;
  }
}

function texts(parameters: PictureParameters): { title?: string; description: string; software: string; json: string } {
  const { prompt, version, model, seed, steps, guidance, sampler, spacing, eta } = parameters;
  const listed = (record: Record<string, number> | undefined) =>
    Object.entries(record ?? {})
      .map(([stage, value]) => `${stage} ${value}`)
      .join(', ');
  const parts = [`model ${model}`, `seed ${seed}`];
  if (steps) parts.push(`steps: ${listed(steps)}`);
  if (guidance) parts.push(`guidance: ${listed(guidance)}`);
  if (sampler) parts.push(['sampler', sampler, spacing ?? '', eta ? `eta ${eta}` : ''].filter(Boolean).join(' '));
  return {
    title: prompt && plain(prompt.slice(0, MAX_TITLE)),
    description: plain(parts.join('; ')),
    software: plain(`unclip ${version}`),
    json: JSON.stringify(prompt === undefined ? parameters : { ...parameters, prompt: prompt.slice(0, MAX_PROMPT) }),
  };
}

/** Text without control characters: PNG texts may not hold NUL, and the rest is of no use in a title. */
const plain = (text: string): string => text.replace(/\p{Cc}+/gu, ' ');

/** Text as XML element content. What XML 1.0 cannot hold at all (control characters) becomes U+FFFD. */
function escapeXml(text: string): string {
  return text
    .replace(/[^\t\n\r\u{20}-\u{d7ff}\u{e000}-\u{fffd}\u{10000}-\u{10ffff}]/gu, '\ufffd')
    .replace(/&/g, '&amp;')
    .replace(/</g, '&lt;')
    .replace(/>/g, '&gt;');
}

function fromXmp(xmp: string | undefined): string | undefined {
  const [, escaped] = xmp?.match(new RegExp(`<${KEY}:parameters>([^<]*)</${KEY}:parameters>`)) ?? [];
  return escaped?.replace(/&gt;/g, '>').replace(/&lt;/g, '<').replace(/&amp;/g, '&');
}
