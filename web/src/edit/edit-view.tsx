import { useRef, useState } from 'preact/hooks';
import { PromptBox } from '../form/prompt-box.js';
import { editPicture } from '../form/submit.js';
import type { Entry } from '../gallery/entry.js';
import { model } from '../state/model.js';
import { useStore } from '../state/store.js';
import { IconButton } from '../ui/button.js';
import { Dialog } from '../ui/dialog.js';
import { editing } from './editing.js';
import { MaskCanvas } from './mask-canvas.js';
import { maskFile } from './mask-file.js';
import { useMaskState } from './mask-state.js';
import { Toolbar } from './toolbar.js';

const close = (): void => {
  editing.value = undefined;
};

/** The view in which a part of a picture is masked and drawn anew. */
export function EditView() {
  const entry = useStore(editing);
  return entry && <EditDialog key={entry.id} entry={entry} />;
}

function EditDialog({ entry }: { readonly entry: Entry }) {
  const facts = useStore(model);
  const mask = useMaskState(entry);
  const canvas = useRef<HTMLCanvasElement>(null);
  const [prompt, setPrompt] = useState(entry.kind === 'own' ? '' : entry.prompt);
  const [trouble, setTrouble] = useState<string>();
  const draw = async (): Promise<void> => {
    if (prompt.trim() === '') return;
    const file = await maskFile(canvas.current!);
    if (file === undefined) setTrouble('Paint over what is to be drawn anew first.');
    else if (facts !== undefined) {
      editPicture(facts, entry, file, prompt);
      close();
    }
  };
  return (
    <Dialog
      label="Edit a picture"
      class="edit"
      steady
      onClose={close}
      onKeyDown={(event) => {
        const typing = event.target instanceof HTMLTextAreaElement;
        if (!typing && mask.onKey(event)) event.preventDefault();
      }}
    >
      <header>
        <h2>Edit</h2>
        <IconButton icon="close" label="Close" onClick={close} />
      </header>
      <MaskCanvas
        entry={entry}
        changes={mask.history.done}
        tool={mask.tool}
        brush={mask.brush}
        box={mask.box}
        canvasRef={canvas}
        onBox={mask.setBox}
        onChange={(change) => {
          setTrouble(undefined);
          mask.change(change);
        }}
      />
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void draw();
        }}
      >
        <Toolbar
          tool={mask.tool}
          brush={mask.brush}
          sides={entry}
          canUndo={mask.history.done.length > 0}
          canRedo={mask.history.undone.length > 0}
          onTool={mask.setTool}
          onBrush={mask.setBrush}
          onUndo={mask.undo}
          onRedo={mask.redo}
          onInvert={() => mask.change({ kind: 'invert' })}
          onClear={() => mask.change({ kind: 'clear' })}
          onBox={() => mask.change({ kind: 'box', erase: false, box: mask.box })}
        />
        <p id="mask-help" class="hint">
          {mask.tool === 'box'
            ? 'Draw a rectangle and add it to what is drawn anew.'
            : 'Paint over what is to be drawn anew. Everything else stays as it is, to the bit.'}
          <span class="keys">
            {mask.tool === 'box'
              ? ' With the picture in focus, arrow keys move it and with Shift resize it; Enter adds it, Shift+Enter takes it off.'
              : ' [ and ] change the brush.'}
          </span>
        </p>
        <PromptBox
          id="edit-prompt"
          label="Prompt for the whole picture"
          value={prompt}
          placeholder="What it shows, with the new part"
          vocabulary={facts?.vocabulary}
          onValue={setPrompt}
        />
        {trouble && (
          <p class="trouble" role="alert">
            {trouble}
          </p>
        )}
        <button type="submit" class="button primary" disabled={prompt.trim() === ''}>
          Draw
        </button>
        <p class="hint">With the count, seed and settings of the main form.</p>
      </form>
    </Dialog>
  );
}
