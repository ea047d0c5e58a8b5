import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { packageRoot } from '../../util/package-root.js';
import type { Report } from '../schema.js';

const asset = (name: string): string => readFileSync(join(packageRoot(), 'bench', 'page', name), 'utf8');

/** The page's modules, each after those that it imports. */
const MODULES = ['numbers.mjs', 'elements.mjs', 'roofline.mjs', 'bars.mjs', 'page.mjs'];

/** The modules as one script: in one scope they need neither imports nor exports. */
const script = (): string =>
  MODULES.map((name) =>
    asset(name)
      .replace(/^import [^;]*;\n/gm, '')
      .replace(/^export /gm, ''),
  ).join('\n');

/** A file of uPlot's distribution, less the comment that names its address. */
function plotLibrary(name: string): string {
  const entry = createRequire(import.meta.url).resolve('uplot/package.json');
  return readFileSync(join(entry, '..', 'dist', name), 'utf8').replace(/\/\*![\s\S]*?\*\//, '');
}

/** A report as one HTML page with plots that loads nothing from elsewhere. */
export function reportPage(report: Report): string {
  const parts: Readonly<Record<string, string>> = {
    'plot-style': plotLibrary('uPlot.min.css'),
    style: asset('page.css'),
    'plot-script': plotLibrary('uPlot.iife.min.js'),
    script: script(),
    // A text in the report must not end the script element that holds it.
    report: JSON.stringify(report).replaceAll('<', '\\u003c'),
  };
  return asset('page.html').replace(/\{\{([\w-]+)\}\}/g, (_, name: string) => parts[name]!);
}
