import { existsSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { makeFolder, Output, slug, stepsFolder } from '../../src/ts/cli/output.js';

const folder = mkdtempSync(join(tmpdir(), 'unclip-cli-output-'));

describe('slug', () => {
  it.each([
    ['A Green  School-Bus!', 'a-green-school-bus'],
    ['../../etc/passwd', 'etc-passwd'],
    ['', 'picture'],
    ['🚌🚌', 'picture'],
    ['Élan vital, 日本', 'élan-vital-日本'],
    [`${'word '.repeat(40)}`, 'word-word-word-word-word-word-word-word-word-word-word-word'],
    ['nul\0 and\nline', 'nul-and-line'],
  ])('of %j is %s', (prompt, expected) => expect(slug(prompt)).toBe(expected));

  it('fits into a file name however wide its letters are', () => {
    for (const text of ['日'.repeat(1000), '𝒳'.repeat(1000), `a${'𝒳'.repeat(1000)}`]) {
      const name = `${slug(text)}-9007199254740991-99.png`;
      expect(Buffer.byteLength(name)).toBeLessThanOrEqual(255);
      expect(name.isWellFormed()).toBe(true);
    }
  });
});

describe('output', () => {
  it('names pictures by prompt and seed, never one that is there', () => {
    const output = new Output(folder, undefined, true);
    const path = output.path('a ball', 7, 1);
    expect(path).toBe(join(folder, 'a-ball-7.png'));
    writeFileSync(path, '');
    const names = [1, 2].map((k) => basename(output.path('a ball', 7, k)));
    expect(names).toEqual(['a-ball-7-2.png', 'a-ball-7-3.png']);
    expect(stepsFolder(path)).toBe(join(folder, 'a-ball-7-steps'));
  });

  it('takes a single file by its name, and its format from the ending', () => {
    const file = join(folder, 'bus.JPG');
    writeFileSync(file, '');
    const output = new Output(file, undefined, false);
    expect(output.format).toBe('jpeg');
    expect(output.path('x', 1, 1)).toBe(file);
  });

  it('numbers several pictures of one name and overwrites none', () => {
    const output = new Output(join(folder, 'cat.webp'), undefined, true);
    writeFileSync(join(folder, 'cat-2.webp'), 'kept');
    expect([1, 2].map((k) => basename(output.path('x', 1, k)))).toEqual(['cat-1.webp', 'cat-2-2.webp']);
    expect(readFileSync(join(folder, 'cat-2.webp'), 'utf8')).toBe('kept');
  });

  it('takes folders by a slash, by a name without an ending, and as they are', () => {
    mkdirSync(join(folder, 'v1.2'));
    for (const name of ['new.things/', 'new', 'v1.2']) {
      const output = new Output(join(folder, name), 'jpeg', false);
      expect(output.path('x', 1, 1)).toBe(join(folder, name, 'x-1.jpg'));
    }
    expect(existsSync(join(folder, 'new'))).toBe(false);
  });

  it('says why a folder cannot be made', () => {
    writeFileSync(join(folder, 'file'), '');
    expect(() => makeFolder(join(folder, 'file', 'deeper'))).toThrow(/^cannot make the folder/);
  });
});
