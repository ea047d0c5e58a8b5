import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { appendFile, readFile } from 'node:fs/promises';
import { z } from 'zod';
import { UnclipError } from '../../util/errors.js';

const entry = z.strictObject({
  /** Whose key it is, for the log. */
  name: z.string().min(1).max(100),
  /** Of the key, in hexadecimal. */
  sha256: z.string().regex(/^[0-9a-f]{64}$/, 'give 64 hexadecimal digits'),
  requests_per_minute: z.int().min(1).optional(),
});

/** A key that may ask. */
export interface ApiKey {
  readonly name: string;
  /** Its own limit, in place of the service's. */
  readonly requestsPerMinute: number | undefined;
}

interface KnownKey extends ApiKey {
  readonly digest: Buffer;
}

/**
 * Keys are 256 random bits, so that a plain SHA-256 of them cannot be searched: the slow hashes that passwords need would
 * only slow the service down.
 */
const digestOf = (key: string): Buffer => createHash('sha256').update(key).digest();

/** The keys of a service, of which only hashes are known. */
export class ApiKeys {
  readonly #keys: readonly KnownKey[];

  constructor(keys: readonly KnownKey[]) {
    this.#keys = keys;
  }

  /**
   * Reads a file of keys, a JSON object a line.
   * @throws UnclipError IO_FAILED (cannot be read), INPUT_INVALID naming the line
   */
  static async read(path: string): Promise<ApiKeys> {
    let text: string;
    try {
      text = await readFile(path, 'utf8');
    } catch (cause) {
      throw new UnclipError('IO_FAILED', `cannot read ${path} (${(cause as NodeJS.ErrnoException).code})`, { cause });
    }
    const keys = text
      .split('\n')
      .flatMap((line, i) => (line.trim() === '' ? [] : [readLine(line, `${path}:${i + 1}`)]));
    if (keys.length === 0)
      throw new UnclipError('INPUT_INVALID', `${path} holds no keys; \`unclip api-key ${path} --name …\` makes one`);
    return new ApiKeys(keys);
  }

  /** The key that a client shows, compared in a time that tells nothing of how it differs. */
  find(shown: string): ApiKey | undefined {
    const digest = digestOf(shown);
    let found: ApiKey | undefined;
    for (const key of this.#keys) if (timingSafeEqual(key.digest, digest)) found = key;
    return found;
  }
}

/**
 * Makes a key and appends its hash to a file, which is made readable by its owner alone.
 * @returns the key, which nobody can find out from the file
 * @throws UnclipError IO_FAILED
 */
export async function addApiKey(path: string, name: string, requestsPerMinute?: number): Promise<string> {
  const key = `sk-unclip-${randomBytes(32).toString('base64url')}`;
  const line = { name, sha256: digestOf(key).toString('hex'), requests_per_minute: requestsPerMinute };
  try {
    await appendFile(path, `${JSON.stringify(line)}\n`, { mode: 0o600 });
  } catch (cause) {
    throw new UnclipError('IO_FAILED', `cannot write ${path} (${(cause as NodeJS.ErrnoException).code})`, { cause });
  }
  return key;
}

function readLine(line: string, where: string): KnownKey {
  let json: unknown;
  try {
    json = JSON.parse(line);
  } catch {
    throw new UnclipError('INPUT_INVALID', `${where}: not JSON; a line is {"name": "…", "sha256": "…"}`);
  }
  const parsed = entry.safeParse(json);
  if (!parsed.success) {
    const issue = parsed.error.issues[0]!;
    throw new UnclipError('INPUT_INVALID', `${where}: ${issue.path.join('.') || 'line'}: ${issue.message}`);
  }
  const { name, sha256, requests_per_minute: requestsPerMinute } = parsed.data;
  return { name, requestsPerMinute, digest: Buffer.from(sha256, 'hex') };
}
