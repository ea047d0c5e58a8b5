import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import type { Entry } from '../gallery/entry.js';
import { useFileUrl } from '../ui/pictures.js';
import { type Box, boxAfterKey, boxBetween } from './box.js';
import { type MaskChange, type Point, paint, paintAll } from './mask.js';
import type { Tool } from './tools.js';

interface MaskCanvasProps {
  readonly entry: Entry;
  readonly changes: readonly MaskChange[];
  readonly tool: Tool;
  readonly brush: number;
  readonly box: Box;
  onBox(box: Box): void;
  onChange(change: MaskChange): void;
  /** The canvas that holds the mask, opaque where it is masked. */
  readonly canvasRef: { current: HTMLCanvasElement | null };
}

/** The picture with its mask over it, painted by mouse, finger, pen or keys. */
export function MaskCanvas({ entry, changes, tool, brush, box, onBox, onChange, canvasRef }: MaskCanvasProps) {
  const url = useFileUrl(entry.picture);
  const [cursor, setCursor] = useState<Point>();
  const stroke = useRef<Point[] | undefined>(undefined);
  const corner = useRef<Point | undefined>(undefined);
  const { width, height } = entry;
  const erase = tool === 'erase';

  useLayoutEffect(() => paintAll(contextOf(canvasRef.current!), changes), [canvasRef, changes]);

  const pointOf = (event: PointerEvent): Point => {
    const { left, top, width: shown } = canvasRef.current!.getBoundingClientRect();
    const scale = width / shown;
    return { x: (event.clientX - left) * scale, y: (event.clientY - top) * scale };
  };
  const down = (event: PointerEvent): void => {
    if (event.button !== 0) return;
    canvasRef.current!.setPointerCapture(event.pointerId);
    const point = pointOf(event);
    if (tool === 'box') corner.current = point;
    else {
      stroke.current = [point];
      paint(contextOf(canvasRef.current!), { kind: 'stroke', erase, width: brush, points: [point] });
    }
  };
  const move = (event: PointerEvent): void => {
    const point = pointOf(event);
    setCursor(event.pointerType === 'touch' ? undefined : point);
    if (corner.current !== undefined) onBox(boxBetween(corner.current, point, entry));
    const points = stroke.current;
    if (points === undefined) return;
    // A fast hand moves between two frames.
    const all = event.getCoalescedEvents?.().map(pointOf) ?? [];
    const added = all.length > 0 ? all : [point];
    paint(contextOf(canvasRef.current!), {
      kind: 'stroke',
      erase,
      width: brush,
      points: [points.at(-1)!, ...added],
    });
    points.push(...added);
  };
  const up = (): void => {
    if (stroke.current !== undefined) onChange({ kind: 'stroke', erase, width: brush, points: stroke.current });
    stroke.current = undefined;
    corner.current = undefined;
  };
  const key = (event: KeyboardEvent): void => {
    if (tool !== 'box') return;
    const moved = boxAfterKey(box, event, entry);
    if (moved !== undefined) onBox(moved);
    else if (event.key === 'Enter' || event.key === ' ') onChange({ kind: 'box', erase: event.shiftKey, box });
    else return;
    event.preventDefault();
  };
  return (
    <div class="mask" style={{ '--ratio': `${width} / ${height}`, '--width': width, '--height': height }}>
      <img src={url} alt="" draggable={false} />
      {/* biome-ignore lint/a11y/noInteractiveElementToNoninteractiveRole: arrow keys are the canvas's own, as in an application */}
      <canvas
        ref={canvasRef}
        width={width}
        height={height}
        tabIndex={0}
        role="application"
        aria-label="Mask: what is to be drawn anew"
        aria-describedby="mask-help"
        onPointerDown={down}
        onPointerMove={move}
        onPointerUp={up}
        onPointerCancel={up}
        onPointerLeave={() => setCursor(undefined)}
        onKeyDown={key}
      />
      {tool === 'box' && (
        <span
          class="mask-box"
          style={{ '--x': box.x, '--y': box.y, '--w': box.width, '--h': box.height }}
          data-testid="mask-box"
        />
      )}
      {tool !== 'box' && cursor && (
        <span class={erase ? 'cursor erase' : 'cursor'} style={{ '--x': cursor.x, '--y': cursor.y, '--w': brush }} />
      )}
    </div>
  );
}

function contextOf(canvas: HTMLCanvasElement): CanvasRenderingContext2D {
  // Read once, at the end: the mask stays where it is painted.
  return canvas.getContext('2d', { willReadFrequently: true })!;
}
