import type { Settings } from '../api/model.js';
import { kept } from '../state/storage.js';
import { Store } from '../state/store.js';
import type { Values } from './fields.js';

/** What a person has typed. */
export interface FormState {
  readonly prompt: string;
  readonly count: number;
  /** Empty: a random one. */
  readonly seed: string;
  readonly values: Values;
}

const EMPTY: FormState = { prompt: '', count: 1, seed: '', values: {} };

const storage = kept('form');

function read(): FormState {
  try {
    return { ...EMPTY, ...(JSON.parse(storage.read() ?? '{}') as Partial<FormState>) };
  } catch {
    return EMPTY;
  }
}

/** The form; it is kept over visits. */
export const form = new Store<FormState>(read());

form.subscribe((state) => storage.write(JSON.stringify(state)));

export function setForm(part: Partial<FormState>): void {
  form.value = { ...form.value, ...part };
}

export function setValue(name: string, value: string): void {
  setForm({ values: { ...form.value.values, [name]: value } });
}

/** Puts a picture's prompt, seed and settings into the form. */
export function fillForm(prompt: string, seed: number | undefined, settings: Settings): void {
  const values = Object.fromEntries(Object.entries(settings).map(([name, value]) => [name, String(value)]));
  setForm({ prompt, seed: seed === undefined ? '' : String(seed), count: 1, values });
}

/** Seeds below this are drawn at random; any whole number can be typed. */
const RANDOM_SEEDS = 2 ** 31;

export const randomSeed = (): number => crypto.getRandomValues(new Uint32Array(1))[0]! % RANDOM_SEEDS;

/** The seed that was typed, else a random one. */
export const seedOf = ({ seed }: FormState): number => (seed === '' ? randomSeed() : Number(seed));
