import { useFileUrl } from '../ui/pictures.js';
import { Actions } from './actions-view.js';
import { type Entry, titleOf } from './entry.js';
import { opened } from './gallery.js';

interface TileProps {
  readonly entry: Entry;
  /** Whether Tab stops at it; the arrow keys go from one to the next. */
  readonly current: boolean;
  onFocus(): void;
}

const KINDS = { generate: '', edit: 'Edit', vary: 'Variation', own: 'Yours' } as const;

/** A picture of the gallery. */
export function Tile({ entry, current, onFocus }: TileProps) {
  const url = useFileUrl(entry.picture);
  const tabIndex = current ? 0 : -1;
  const kind = KINDS[entry.kind];
  return (
    <li class="tile" onFocusIn={onFocus}>
      <div class="tile-frame">
        <button
          type="button"
          class="tile-picture"
          tabIndex={tabIndex}
          data-entry={entry.id}
          aria-label={`Open: ${titleOf(entry)}`}
          onClick={() => {
            opened.value = entry.id;
          }}
        >
          <img src={url} alt="" loading="lazy" decoding="async" />
          {kind !== '' && <span class="badge">{kind}</span>}
        </button>
        <Actions entry={entry} tabIndex={tabIndex} />
      </div>
      <p class="tile-title" title={titleOf(entry)}>
        {titleOf(entry)}
      </p>
      <p class="tile-seed">{entry.seed === undefined ? `${entry.width} × ${entry.height}` : `Seed ${entry.seed}`}</p>
    </li>
  );
}
