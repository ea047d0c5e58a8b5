import { IconButton } from '../ui/button.js';
import type { Sides } from './box.js';
import { NARROWEST, type Tool, widestBrush } from './tools.js';

interface ToolbarProps {
  readonly tool: Tool;
  readonly brush: number;
  readonly sides: Sides;
  readonly canUndo: boolean;
  readonly canRedo: boolean;
  onTool(tool: Tool): void;
  onBrush(width: number): void;
  onUndo(): void;
  onRedo(): void;
  onInvert(): void;
  onClear(): void;
  onBox(): void;
}

const TOOLS = [
  { name: 'brush', icon: 'brush', label: 'Brush', help: 'Paint what is to be drawn anew (B)' },
  { name: 'erase', icon: 'eraser', label: 'Erase', help: 'Take paint off (E)' },
  { name: 'box', icon: 'box', label: 'Rectangle', help: 'Mask a rectangle, by hand or by keys (R)' },
] as const;

/** What the mask is painted with. */
export const Toolbar = (props: ToolbarProps) => {
  const { tool, brush, sides, onTool, onBrush } = props;
  return (
    <div class="tools" role="toolbar" aria-label="Mask">
      <div class="joined">
        {TOOLS.map(({ name, ...button }) => (
          <IconButton key={name} {...button} pressed={tool === name} wide onClick={() => onTool(name)} />
        ))}
      </div>
      {tool === 'box' ? (
        <IconButton icon="plus" label="Add the rectangle" wide onClick={props.onBox} />
      ) : (
        <label class="brush-size" title="[ and ] make it smaller and larger">
          Size
          <input
            type="range"
            min={NARROWEST}
            max={widestBrush(sides)}
            value={brush}
            onInput={(event) => onBrush(event.currentTarget.valueAsNumber)}
          />
          <output>{brush}</output>
        </label>
      )}
      <div class="joined">
        <IconButton icon="undo" label="Undo" help="Undo (Ctrl+Z)" disabled={!props.canUndo} onClick={props.onUndo} />
        <IconButton icon="redo" label="Redo" help="Redo (Ctrl+Y)" disabled={!props.canRedo} onClick={props.onRedo} />
        <IconButton icon="invert" label="Invert" help="Mask the rest instead (I)" onClick={props.onInvert} />
        <IconButton icon="trash" label="Clear" help="Mask nothing" onClick={props.onClear} />
      </div>
    </div>
  );
};
