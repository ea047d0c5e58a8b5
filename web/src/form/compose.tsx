import { useRef } from 'preact/hooks';
import type { Model } from '../api/model.js';
import { addOwnPictures, PICTURE_TYPES } from '../gallery/own-pictures.js';
import { useStore } from '../state/store.js';
import { IconButton } from '../ui/button.js';
import { CountAndSeed } from './count-and-seed.js';
import { form, setForm } from './form-state.js';
import { PromptBox } from './prompt-box.js';
import { SettingsPanel } from './settings.js';
import { drawForm } from './submit.js';

const MOST_EXAMPLES = 4;

/** What is to be drawn. */
export function Compose({ model }: { readonly model: Model }) {
  const { prompt } = useStore(form);
  const canDraw = model.text_to_image && prompt.trim() !== '';
  const files = useRef<HTMLInputElement>(null);
  return (
    <form
      class="compose"
      onSubmit={(event) => {
        event.preventDefault();
        if (canDraw) drawForm(model);
      }}
    >
      <PromptBox
        id="prompt"
        label="Prompt"
        value={prompt}
        placeholder={model.examples[0] ?? 'What do you want to see?'}
        vocabulary={model.vocabulary}
        onValue={(value) => setForm({ prompt: value })}
      />
      {model.examples.length > 0 && (
        <ul class="chips" aria-label="Example prompts">
          {model.examples.slice(0, MOST_EXAMPLES).map((example) => (
            <li key={example}>
              <button
                type="button"
                class="chip"
                onClick={() => {
                  setForm({ prompt: example });
                  document.getElementById('prompt')?.focus();
                }}
              >
                {example}
              </button>
            </li>
          ))}
        </ul>
      )}
      <CountAndSeed model={model} />
      <SettingsPanel model={model} />
      <button type="submit" class="button primary" disabled={!canDraw}>
        Draw
      </button>
      {!model.text_to_image && <p class="hint">This model makes variations of pictures; bring one.</p>}
      <p class="hint keys">
        <kbd>Enter</kbd> draws, <kbd>Esc</kbd> cancels
      </p>
      <div class="own">
        <input
          ref={files}
          id="own-files"
          class="unseen"
          type="file"
          accept={PICTURE_TYPES.join()}
          multiple
          tabIndex={-1}
          aria-label="Pictures of your own"
          onChange={async (event) => {
            const { currentTarget } = event;
            await addOwnPictures([...(currentTarget.files ?? [])]);
            currentTarget.value = '';
          }}
        />
        <IconButton icon="picture" label="Use a picture of your own" wide onClick={() => files.current!.click()} />
        <p class="hint">Or drop it anywhere, or paste it.</p>
      </div>
    </form>
  );
}
