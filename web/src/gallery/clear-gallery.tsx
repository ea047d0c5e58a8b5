import { useState } from 'preact/hooks';
import { IconButton } from '../ui/button.js';
import { Dialog } from '../ui/dialog.js';
import { clearGallery } from './gallery.js';

/** Deletes everything, once it was asked whether that is meant. */
export function ClearGallery({ count }: { readonly count: number }) {
  const [asking, setAsking] = useState(false);
  const close = (): void => setAsking(false);
  const what = count === 1 ? 'the picture' : `all ${count} pictures`;
  return (
    <>
      <IconButton icon="trash" label="Clear all" wide onClick={() => setAsking(true)} />
      {asking && (
        <Dialog label="Clear the gallery" class="question" onClose={close}>
          <h2>Delete {what}?</h2>
          <p>They are in this browser alone. What you have downloaded stays.</p>
          <div class="answers">
            <button type="button" class="button" onClick={close}>
              Keep
            </button>
            <button
              type="button"
              class="button danger"
              onClick={() => {
                close();
                void clearGallery();
              }}
            >
              Delete {what}
            </button>
          </div>
        </Dialog>
      )}
    </>
  );
}
