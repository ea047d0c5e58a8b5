import type { Model } from '../api/model.js';
import { editing } from '../edit/editing.js';
import { drawAgain, varyPicture } from '../form/submit.js';
import type { IconName } from '../ui/icons.js';
import { notify } from '../ui/notices.js';
import { copyText } from './clipboard.js';
import { downloadPicture } from './download.js';
import type { Entry } from './entry.js';
import { opened, removeEntry } from './gallery.js';

/** Something that can be done with a picture. */
export interface Action {
  readonly icon: IconName;
  readonly label: string;
  readonly help: string;
  act(): void;
}

/** What can be done with a picture of the gallery, the likeliest first. */
export function actionsOf(entry: Entry, model: Model | undefined): readonly Action[] {
  const actions: Action[] = [];
  // What is asked for shows on the page itself.
  const add = (icon: IconName, label: string, help: string, act: () => void): void => {
    actions.push({ icon, label, help, act });
  };
  const onPage = (act: () => void) => (): void => {
    opened.value = undefined;
    act();
  };
  if (entry.kind !== 'own')
    add(
      'again',
      'Same again',
      'Draw it once more with the same seed and settings',
      onPage(() => drawAgain(entry)),
    );
  if (model?.variations)
    add(
      'vary',
      'Vary',
      'Draw pictures with the meaning of this one',
      onPage(() => varyPicture(model, entry)),
    );
  if (model?.edits)
    add(
      'edit',
      'Edit',
      'Draw a part of it anew',
      onPage(() => {
        editing.value = entry;
      }),
    );
  add('download', 'Download', 'Save the file', () => downloadPicture(entry));
  if (entry.kind !== 'own')
    add('copy', 'Copy parameters', 'Copy prompt, seed and settings as JSON', () => void copyParameters(entry));
  add('trash', 'Delete', 'Take it out of the gallery', () => void removeEntry(entry));
  return actions;
}

/** Prompt, seed and settings, by the names of the API. */
export const parametersOf = ({ kind, prompt, seed, settings }: Entry): Readonly<Record<string, unknown>> => ({
  ...(kind === 'vary' ? {} : { prompt }),
  seed,
  ...settings,
});

async function copyParameters(entry: Entry): Promise<void> {
  const done = await copyText(JSON.stringify(parametersOf(entry), undefined, 2));
  notify(done ? 'Parameters copied.' : 'The browser does not let the page copy.');
}
