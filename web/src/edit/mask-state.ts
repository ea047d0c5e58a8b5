import { useLayoutEffect, useState } from 'preact/hooks';
import type { Entry } from '../gallery/entry.js';
import { type Box, middleBox } from './box.js';
import { EMPTY_HISTORY, type History, make, redo, undo } from './history.js';
import type { MaskChange } from './mask.js';
import { nextWidth, type Tool, usualBrush } from './tools.js';

/** Everything about a mask that is being painted. */
export interface MaskState {
  readonly history: History<MaskChange>;
  readonly tool: Tool;
  readonly brush: number;
  readonly box: Box;
  setTool(tool: Tool): void;
  setBrush(width: number): void;
  setBox(box: Box): void;
  change(change: MaskChange): void;
  undo(): void;
  redo(): void;
  /** @returns whether the key means something */
  onKey(event: KeyboardEvent): boolean;
}

/** What was painted on a picture before its edit view was closed, by its entry. */
const drafts = new Map<string, History<MaskChange>>();

export function useMaskState(entry: Entry): MaskState {
  const [history, setHistory] = useState<History<MaskChange>>(() => drafts.get(entry.id) ?? EMPTY_HISTORY);
  useLayoutEffect(() => {
    drafts.set(entry.id, history);
  }, [entry.id, history]);
  const [tool, setTool] = useState<Tool>('brush');
  const [brush, setBrush] = useState(() => usualBrush(entry));
  const [box, setBox] = useState(() => middleBox(entry));
  const change = (one: MaskChange): void => setHistory((before) => make(before, one));
  const keys: Readonly<Record<string, () => void>> = {
    b: () => setTool('brush'),
    e: () => setTool('erase'),
    r: () => setTool('box'),
    i: () => change({ kind: 'invert' }),
    '[': () => setBrush((width) => nextWidth(width, false, entry)),
    ']': () => setBrush((width) => nextWidth(width, true, entry)),
    'ctrl+z': () => setHistory(undo),
    'ctrl+y': () => setHistory(redo),
    'ctrl+shift+z': () => setHistory(redo),
  };
  return {
    history,
    tool,
    brush,
    box,
    setTool,
    setBrush,
    setBox,
    change,
    undo: () => setHistory(undo),
    redo: () => setHistory(redo),
    onKey({ key, ctrlKey, metaKey, shiftKey }) {
      const command = ctrlKey || metaKey;
      const act = keys[`${command ? 'ctrl+' : ''}${command && shiftKey ? 'shift+' : ''}${key.toLowerCase()}`];
      act?.();
      return act !== undefined;
    },
  };
}
