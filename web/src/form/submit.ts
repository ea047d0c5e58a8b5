import type { Model } from '../api/model.js';
import type { Entry } from '../gallery/entry.js';
import { startJob } from '../jobs/jobs.js';
import { settingsOf } from './fields.js';
import { form, seedOf } from './form-state.js';

/** Draws what the form says. */
export function drawForm(model: Model): void {
  const { prompt, count: n, values } = form.value;
  startJob({ kind: 'generate', prompt, n, seed: seedOf(form.value), settings: settingsOf(model, values) });
}

/** Draws variations of a picture, with the form's count and settings. */
export function varyPicture(model: Model, { picture }: Entry): void {
  const { count: n, values } = form.value;
  startJob({ kind: 'vary', picture, n, seed: seedOf(form.value), settings: settingsOf(model, values) });
}

/** Draws a part of a picture anew, with the form's settings. */
export function editPicture(model: Model, { picture }: Entry, mask: Blob, prompt: string): void {
  const { count: n, values } = form.value;
  startJob({ kind: 'edit', picture, mask, prompt, n, seed: seedOf(form.value), settings: settingsOf(model, values) });
}

/** Draws a picture of the gallery once more. */
export function drawAgain(entry: Entry): void {
  const { kind, prompt, seed, settings, source, mask } = entry;
  const common = { n: 1, seed, settings };
  if (kind === 'generate') startJob({ kind, prompt, ...common }, entry);
  else if (kind === 'vary' && source !== undefined) startJob({ kind, picture: source, ...common }, entry);
  else if (kind === 'edit' && source !== undefined && mask !== undefined)
    startJob({ kind, prompt, picture: source, mask, ...common }, entry);
}
