import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { UnclipError } from '../util/errors.js';
import { packageRoot } from '../util/package-root.js';

/** Switches (boolean) and numbers of one shader instance. */
export type Defines = Readonly<Record<string, boolean | number>>;

const files = new Map<string, string>();

/** Text of `shaders/<name>.wgsl`, read once. */
export function shaderSource(name: string): string {
  const known = files.get(name);
  if (known !== undefined) return known;
  let text: string;
  try {
    text = readFileSync(join(packageRoot(), 'shaders', `${name}.wgsl`), 'utf8');
  } catch (cause) {
    throw new UnclipError('GPU_SHADER_INVALID', `shader file shaders/${name}.wgsl is missing from the package`, {
      cause,
    });
  }
  files.set(name, text);
  return text;
}

const DIRECTIVE = /^\s*\/\/#(\w+)\s*(.*?)\s*$/;
const HOISTED = /^\s*(?:enable|requires|diagnostic)\b[^;]*;\s*$/;

/**
 * Resolves the directives of a shader, all of them WGSL comments so that the files stay plain WGSL for editors:
 * `//#import common/types` (each file once), `//#if NAME`, `//#if !NAME`, `//#else`, `//#endif`, and `//#const NAME u32`,
 * which becomes `const NAME: u32 = …` from a numeric define; `//#unroll i COUNT` … `//#endunroll` repeats its lines as COUNT
 * blocks with `i` replaced by 0u, 1u, … (COUNT a numeric define or a number): for arrays that must stay in registers whatever a
 * driver unrolls by itself. Module directives (`enable …;`) move to the top, where WGSL wants them. Throws UnclipError
 * GPU_SHADER_INVALID for an unknown directive, a missing number or an unbalanced `#if` or `#unroll`. A switch that is not
 * defined counts as false.
 */
export function preprocess(name: string, defines: Defines, load: (name: string) => string = shaderSource): string {
  const head = new Set<string>();
  const body: string[] = [];
  const imported = new Set<string>();

  const include = (file: string): void => {
    if (imported.has(file)) return;
    imported.add(file);
    const stack: { taken: boolean; live: boolean }[] = [];
    const unrolls: { name: string; count: number; start: number }[] = [];
    load(file)
      .split('\n')
      .forEach((line, index) => {
        const fail = (why: string): never => {
          throw new UnclipError('GPU_SHADER_INVALID', `shaders/${file}.wgsl:${index + 1}: ${why}`);
        };
        const live = stack.every((s) => s.live);
        const match = DIRECTIVE.exec(line);
        if (match === null) {
          if (!live) return;
          if (HOISTED.test(line)) head.add(line.trim());
          else body.push(line);
          return;
        }
        const [, directive, rest] = match as unknown as [string, string, string];
        if (directive === 'if') {
          const negated = rest.startsWith('!');
          const value = Boolean(defines[negated ? rest.slice(1) : rest]);
          stack.push({ taken: value !== negated, live: value !== negated });
        } else if (directive === 'else') {
          const top = stack.at(-1) ?? fail('#else without #if');
          top.live = !top.taken;
        } else if (directive === 'endif') {
          if (stack.pop() === undefined) fail('#endif without #if');
        } else if (!live) {
          return;
        } else if (directive === 'import') {
          include(rest);
        } else if (directive === 'const') {
          body.push(constant(rest, defines, fail));
        } else if (directive === 'unroll') {
          unrolls.push({ ...repetition(rest, defines, fail), start: body.length });
        } else if (directive === 'endunroll') {
          const { name, count, start } = unrolls.pop() ?? fail('#endunroll without #unroll');
          body.push(...repeated(body.splice(start), name, count));
        } else {
          fail(`unknown directive #${directive}`);
        }
      });
    if (stack.length > 0) throw new UnclipError('GPU_SHADER_INVALID', `shaders/${file}.wgsl: #if without #endif`);
    if (unrolls.length > 0)
      throw new UnclipError('GPU_SHADER_INVALID', `shaders/${file}.wgsl: #unroll without #endunroll`);
  };

  include(name);
  return `${[...head].join('\n')}\n${body.join('\n')}`;
}

function constant(rest: string, defines: Defines, fail: (why: string) => never): string {
  const match =
    /^(\w+)\s+(u32|i32|f32)$/.exec(rest) ?? fail(`'#const ${rest}' is not of the form '#const NAME u32|i32|f32'`);
  const [, name, type] = match as unknown as [string, string, string];
  const value = defines[name];
  if (typeof value !== 'number' || !Number.isFinite(value)) fail(`number ${name} is not defined`);
  const suffix = type === 'f32' ? 'f' : type === 'u32' ? 'u' : 'i';
  return `const ${name}: ${type} = ${type === 'f32' ? String(value) : Math.trunc(value as number)}${suffix};`;
}

function repetition(
  rest: string,
  defines: Defines,
  fail: (why: string) => never,
): { readonly name: string; readonly count: number } {
  const match = /^(\w+)\s+(\w+)$/.exec(rest) ?? fail(`'#unroll ${rest}' is not of the form '#unroll i COUNT'`);
  const [, name, times] = match as unknown as [string, string, string];
  const count = /^\d+$/.test(times) ? Number(times) : defines[times];
  if (typeof count !== 'number' || !Number.isInteger(count) || count < 0) fail(`number ${times} is not defined`);
  return { name, count: count as number };
}

/** `lines` as `count` blocks, each a scope of its own, with the word `name` replaced by the block's number. */
function repeated(lines: readonly string[], name: string, count: number): string[] {
  const word = new RegExp(`\\b${name}\\b`, 'g');
  return Array.from({ length: count }, (_, i) => [
    '{',
    ...lines.map((line) => line.replace(word, `${i}u`)),
    '}',
  ]).flat();
}
