import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const SOURCE = fileURLToPath(new URL('../../src/ts/', import.meta.url));

/** The floors of the house, top first. A room imports from itself and from floors below it. */
const FLOORS = [
  ['cli'],
  ['serve', 'batch'],
  ['parity', 'bench'],
  // The library's front door re-exports from the pipelines down.
  ['index.ts'],
  ['pool'],
  ['pipelines'],
  ['models', 'diffusion', 'text', 'image'],
  ['tune'],
  ['runtime'],
  ['graph', 'ops'],
  ['weights', 'gpu', 'native'],
  ['util'],
];

/** Rooms of one floor that may import from each other, by file. */
const NEIGHBOURS: readonly (readonly string[])[] = [
  ['graph', 'ops'],
  ['weights', 'gpu', 'native'],
  ['models', 'diffusion', 'text', 'image'],
];

/**
 * Files with the words the whole engine speaks: shapes, layouts, records. Lower floors may use them; they use nothing
 * but each other.
 */
const VOCABULARY = ['graph/types.ts', 'graph/weights-spec.ts', 'ops/types.ts'];

/** Rooms that stay pure: what they build is tested without a GPU. */
const PURE = ['models', 'graph'];
const HARDWARE = ['gpu', 'runtime'];

const files = readdirSync(SOURCE, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'));
const roomOf = (file: string): string => file.split('/')[0];
const floorOf = (room: string): number => FLOORS.findIndex((floor) => floor.includes(room));

interface Import {
  readonly target: string;
  /** A type-only import leaves nothing in the compiled file, so it closes no circle. */
  readonly typeOnly: boolean;
}

/** The files of src/ts that a file imports or re-exports. */
function importsOf(file: string): Import[] {
  const text = readFileSync(join(SOURCE, file), 'utf8');
  const pattern = /(?:^|\n)\s*(?:import|export)\s+(type\s)?[^;'"]*?from\s+'(\.[^']+)'|import\(\s*'(\.[^']+)'\s*\)/g;
  return [...text.matchAll(pattern)].map(([, type, fixed, dynamic]) => {
    const path = relative(SOURCE, resolve(SOURCE, dirname(file), fixed ?? dynamic));
    return { target: path.replace(/\.js$/, '.ts'), typeOnly: type !== undefined };
  });
}

const graph = new Map(files.map((file) => [file, importsOf(file)]));

describe('rooms', () => {
  it('knows the floor of every room', () => {
    const unknown = files.map(roomOf).filter((room) => floorOf(room) < 0);
    expect([...new Set(unknown)]).toEqual([]);
  });

  it('resolves every import to a file', () => {
    const missing = [...graph].flatMap(([file, imports]) =>
      imports.filter(({ target }) => !graph.has(target)).map(({ target }) => `${file} → ${target}`),
    );
    expect(missing).toEqual([]);
  });

  it('imports only downward', () => {
    const upward: string[] = [];
    for (const [file, imports] of graph) {
      const from = roomOf(file);
      for (const { target } of imports) {
        const to = roomOf(target);
        const neighbours = NEIGHBOURS.some((rooms) => rooms.includes(from) && rooms.includes(to));
        const words = VOCABULARY.includes(target);
        if (from !== to && !neighbours && !words && floorOf(to) <= floorOf(from)) upward.push(`${file} → ${target}`);
      }
    }
    expect(upward).toEqual([]);
  });

  it('keeps the vocabulary to itself', () => {
    const foreign = VOCABULARY.flatMap((file) => graph.get(file)!.map(({ target }) => `${file} → ${target}`)).filter(
      (line) => !VOCABULARY.includes(line.split(' → ')[1]),
    );
    expect(foreign).toEqual([]);
  });

  it('keeps models and graph away from the GPU', () => {
    const impure = files
      .filter((file) => PURE.includes(roomOf(file)))
      .flatMap((file) => graph.get(file)!.map(({ target }) => ({ file, target })))
      .filter(({ target }) => HARDWARE.includes(roomOf(target)))
      .map(({ file, target }) => `${file} → ${target}`);
    expect(impure).toEqual([]);
  });

  it('has no circles', () => {
    const done = new Set<string>();
    const circles: string[] = [];
    const visit = (file: string, path: readonly string[]): void => {
      if (path.includes(file)) {
        circles.push([...path.slice(path.indexOf(file)), file].join(' → '));
        return;
      }
      if (done.has(file)) return;
      for (const { target, typeOnly } of graph.get(file) ?? []) {
        if (!typeOnly) visit(target, [...path, file]);
      }
      done.add(file);
    };
    for (const file of files) visit(file, []);
    expect(circles).toEqual([]);
  });
});
