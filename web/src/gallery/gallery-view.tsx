import { useRef, useState } from 'preact/hooks';
import { jobs } from '../jobs/jobs.js';
import { useStore } from '../state/store.js';
import { ClearGallery } from './clear-gallery.js';
import { gallery, removeEntry } from './gallery.js';
import { neighbour } from './neighbour.js';
import { Tile } from './tile.js';

/** All pictures but those that a card above shows. */
export function Gallery() {
  const [current, setCurrent] = useState<string>();
  const list = useRef<HTMLUListElement>(null);
  const shown = new Set(useStore(jobs).flatMap(({ pictures }) => pictures.map(({ entry }) => entry?.id)));
  const all = useStore(gallery);
  const entries = all.filter(({ id }) => !shown.has(id));
  const tabStop = entries.some(({ id }) => id === current) ? current : entries[0]?.id;
  if (entries.length === 0) return null;
  return (
    <section class="gallery" aria-labelledby="gallery-title">
      <header>
        <h2 id="gallery-title">Gallery</h2>
        <span class="count">{all.length}</span>
        <ClearGallery count={all.length} />
      </header>
      <ul
        ref={list}
        onKeyDown={(event) => {
          const buttons = [...list.current!.querySelectorAll<HTMLElement>('.tile-picture')];
          const next = neighbour(buttons, event);
          next?.focus();
          if (next !== undefined) event.preventDefault();
          else if (event.key === 'Delete') deleteAt(buttons, event.target as HTMLElement);
        }}
      >
        {entries.map((entry) => (
          <Tile key={entry.id} entry={entry} current={entry.id === tabStop} onFocus={() => setCurrent(entry.id)} />
        ))}
      </ul>
    </section>
  );
}

/** Deletes the picture of a tile's button, and goes on to the one beside it. */
function deleteAt(buttons: readonly HTMLElement[], target: HTMLElement): void {
  const entry = gallery.value.find(({ id }) => id === target.dataset.entry);
  if (entry === undefined) return;
  const at = buttons.indexOf(target);
  (buttons[at + 1] ?? buttons[at - 1])?.focus();
  void removeEntry(entry);
}
