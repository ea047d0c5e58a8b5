import { execFileSync } from 'node:child_process';
import { appendFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { FolderLock } from '../../src/ts/batch/folder-lock.js';
import { FolderStore } from '../../src/ts/batch/folder-store.js';
import { Manifest, type ManifestEntry } from '../../src/ts/batch/manifest.js';
import { ShardStore } from '../../src/ts/batch/shard-store.js';

const root = mkdtempSync(join(tmpdir(), 'unclip-batch-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

let folders = 0;
const folder = (): string => {
  const path = join(root, String(folders++));
  mkdirSync(path);
  return path;
};

const keyOf = (n: number): string => n.toString(16).padStart(2, '0').repeat(32);
const picture = (n: number) => ({
  key: keyOf(n),
  bytes: Buffer.alloc(700 + n, n),
  prompt: `prompt ${n}`,
  about: { seed: n },
});
const entry = (n: number, file = 'x'): ManifestEntry => ({
  key: keyOf(n),
  line: n,
  picture: 0,
  prompt: 'a',
  seed: n,
  settings: { priorSteps: 2, decoderSteps: 2, superResSteps: 2, priorGuidanceScale: 1, decoderGuidanceScale: 1 },
  model: 'm',
  modelHash: 'h',
  dtype: 'f32',
  weights: 'full',
  adapter: 'a',
  version: '1',
  file,
  sha256: '',
  bytes: 0,
  width: 1,
  height: 1,
  time: '',
});

describe('Manifest', () => {
  it('knows what an earlier process recorded, without the line that it was killed in', async () => {
    const path = join(folder(), 'manifest.jsonl');
    const first = await Manifest.open(path);
    for (const n of [1, 2, 3]) await first.append(entry(n));
    await first.close();
    const whole = readFileSync(path, 'utf8');
    appendFileSync(path, whole.slice(0, 40).repeat(5000));
    const second = await Manifest.open(path);
    expect([1, 2, 3, 4].map((n) => second.has(keyOf(n)))).toEqual([true, true, true, false]);
    expect(readFileSync(path, 'utf8')).toBe(whole);
    await second.append(entry(4));
    await second.close();
    expect(readFileSync(path, 'utf8')).toBe(`${whole}${JSON.stringify(entry(4))}\n`);
  });

  it('empties a file that holds nothing but the beginning of a line', async () => {
    const path = join(folder(), 'manifest.jsonl');
    writeFileSync(path, '{"key":"ab');
    const manifest = await Manifest.open(path);
    await manifest.close();
    expect(readFileSync(path, 'utf8')).toBe('');
  });

  it('refuses a file that is no manifest', async () => {
    const path = join(folder(), 'manifest.jsonl');
    writeFileSync(path, '{"prompt":"mine"}\n');
    await expect(Manifest.open(path)).rejects.toThrow('line 1 is no line of a manifest');
  });
});

describe('FolderStore', () => {
  it('keeps pictures by key, and finds those that nobody recorded', async () => {
    const path = folder();
    mkdirSync(join(path, '.unclip-tmp', 'killed'), { recursive: true });
    const store = await FolderStore.open(path, '.png', { alone: true });
    expect(readdirSync(join(path, '.unclip-tmp'))).toEqual([`${hostname()}-${process.pid}`]);
    const { file } = await store.put(picture(0xab));
    expect(file).toBe(`ab/${'ab'.repeat(16)}.png`);
    expect(readFileSync(join(path, file))).toEqual(picture(0xab).bytes);
    expect(await store.has(keyOf(0xab))).toBe(true);
    expect((await store.orphan(keyOf(0xab)))!.bytes).toEqual(picture(0xab).bytes);
    expect(await store.orphan(keyOf(1))).toBeUndefined();
    expect(await store.has(keyOf(1))).toBe(false);
    await store.close();
    expect(readdirSync(path)).toEqual(['ab']);
  });
});

describe('ShardStore', () => {
  const members = (file: string): string[] =>
    execFileSync('tar', ['-tf', file], { encoding: 'utf8' }).trim().split('\n');

  it('writes archives that tar reads, a new one when one is full', async () => {
    const path = folder();
    const store = new ShardStore(path, '.png', 2, new Map());
    const stored = await Promise.all([1, 2, 3].map((n) => store.put(picture(n))));
    await store.close();
    expect(stored.map(({ file }) => file)).toEqual(['shard-000000.tar', 'shard-000000.tar', 'shard-000001.tar']);
    const names = [1, 2].flatMap((n) => ['png', 'txt', 'json'].map((ending) => `${keyOf(n).slice(0, 32)}.${ending}`));
    expect(members(join(path, 'shard-000000.tar'))).toEqual(names);
    const first = execFileSync('tar', ['-xOf', join(path, 'shard-000000.tar'), names[0]!]);
    expect(first.equals(picture(1).bytes)).toBe(true);
    const text = execFileSync('tar', ['-xOf', join(path, 'shard-000001.tar'), `${keyOf(3).slice(0, 32)}.txt`]);
    expect(text.toString()).toBe('prompt 3');
  });

  it('cuts off what a killed process left and goes on behind what is recorded', async () => {
    const path = folder();
    const killed = new ShardStore(path, '.png', 10, new Map());
    const { end } = await killed.put(picture(1));
    await killed.put(picture(2));
    // Not closed, and the second picture not recorded.
    appendFileSync(join(path, 'shard-000000.tar'), 'half a header');
    const next = new ShardStore(path, '.png', 10, new Map([['shard-000000.tar', { pictures: 1, end: end! }]]));
    await next.put(picture(3));
    await next.close();
    const keys = members(join(path, 'shard-000000.tar')).filter((name) => name.endsWith('.png'));
    expect(keys).toEqual([1, 3].map((n) => `${keyOf(n).slice(0, 32)}.png`));
  });
});

describe('FolderLock', () => {
  it('is held by one living process, and left behind by a dead one', async () => {
    const path = join(folder(), 'lock');
    writeFileSync(path, String(process.ppid));
    await expect(FolderLock.take(path)).rejects.toThrow(`process ${process.ppid} is writing`);
    // No process has this id: Linux gives out at most 2^22.
    writeFileSync(path, String(2 ** 22 + 1));
    const lock = await FolderLock.take(path);
    expect(readFileSync(path, 'utf8')).toBe(String(process.pid));
    await lock.release();
    writeFileSync(path, '');
    await (await FolderLock.take(path)).release();
  });
});
