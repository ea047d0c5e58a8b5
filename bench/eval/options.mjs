import { existsSync } from 'node:fs';
import { join, relative } from 'node:path';
import { parseArgs } from 'node:util';

export const ROOT = join(import.meta.dirname, '..', '..');

/** A folder of the repository, as one would type it. @param {string[]} names */
export const below = (...names) => relative(process.cwd(), join(ROOT, ...names));

const BUNDLED = below('models', 'bundled');

/**
 * Parses the command line and fills in the model folder. Ends the process with a line about what is wrong.
 * @template {import('node:util').ParseArgsConfig['options']} O
 * @param {string} usage the line that follows "usage: "
 * @param {O} options as of node:util's parseArgs; every one takes a value
 */
export function readOptions(usage, options) {
  let values;
  try {
    ({ values } = parseArgs({ options: { model: { type: 'string', default: BUNDLED }, ...options } }));
  } catch (error) {
    fail(`${error.message}\nusage: ${usage}`);
  }
  if (!existsSync(join(values.model, 'model_index.json')))
    fail(`${values.model} holds no model_index.json; give a model folder with --model`);
  return values;
}

/** @param {Record<string, string>} values @param {string} name @param {number} min */
export function wholeNumber(values, name, min) {
  const value = Number(values[name]);
  if (!Number.isInteger(value) || value < min)
    fail(`--${name} is ${values[name]}: give a whole number, at least ${min}`);
  return value;
}

/** @template {string} C @param {Record<string, string>} values @param {string} name @param {readonly C[]} choices @returns {C} */
export function oneOf(values, name, choices) {
  const value = /** @type {C} */ (values[name]);
  if (!choices.includes(value)) fail(`--${name} is ${value}: give ${choices.join(' or ')}`);
  return value;
}

/** @param {string} message @returns {never} */
export function fail(message) {
  process.stderr.write(`${message}\n`);
  process.exit(2);
}
