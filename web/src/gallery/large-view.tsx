import { useState } from 'preact/hooks';
import { fillForm } from '../form/form-state.js';
import { useStore } from '../state/store.js';
import { StoryView } from '../story/story-view.js';
import { IconButton } from '../ui/button.js';
import { Dialog } from '../ui/dialog.js';
import { Actions } from './actions-view.js';
import { BeforeButton } from './before-button.js';
import { type Entry, titleOf } from './entry.js';
import { gallery, opened } from './gallery.js';
import { Parameters } from './parameters.js';

const close = (): void => {
  opened.value = undefined;
};

/** A picture large, with how it came to be; the arrow keys go to the next. */
export function LargeView() {
  const id = useStore(opened);
  const entries = useStore(gallery);
  const at = entries.findIndex((entry) => entry.id === id);
  const entry = entries[at];
  if (entry === undefined) return null;
  const go = (by: number): void => {
    opened.value = (entries[at + by] ?? entry).id;
  };
  return (
    <Dialog
      label={titleOf(entry)}
      class="large"
      onClose={close}
      onKeyDown={(event) => {
        // In the time line they go through the story.
        if (event.target instanceof HTMLInputElement) return;
        if (event.key === 'ArrowLeft') go(-1);
        if (event.key === 'ArrowRight') go(1);
      }}
    >
      <header>
        <IconButton icon="left" label="Newer picture" disabled={at === 0} onClick={() => go(-1)} />
        <span class="count">
          {at + 1} of {entries.length}
        </span>
        <IconButton icon="right" label="Older picture" disabled={at === entries.length - 1} onClick={() => go(1)} />
        <IconButton icon="close" label="Close" onClick={close} />
      </header>
      <LargePicture key={entry.id} entry={entry} />
    </Dialog>
  );
}

function LargePicture({ entry }: { readonly entry: Entry }) {
  const [before, setBefore] = useState(false);
  const { kind, prompt, seed, settings, width, height, source } = entry;
  const above = (
    <>
      <h2>{titleOf(entry)}</h2>
      <Actions entry={entry} wide>
        {kind === 'edit' && <BeforeButton pressed={before} onChange={setBefore} />}
        {kind === 'generate' && (
          <IconButton
            icon="sliders"
            label="Use these settings"
            help="Put prompt, seed and settings into the form"
            wide
            onClick={() => {
              fillForm(prompt, seed, settings);
              close();
            }}
          />
        )}
      </Actions>
    </>
  );
  return (
    <StoryView
      story={entry}
      alt={titleOf(entry)}
      width={width}
      height={height}
      instead={before ? source : undefined}
      above={above}
      below={<Parameters entry={entry} />}
    />
  );
}
