import { useEffect, useState } from 'preact/hooks';

/** Tells of files that are dropped anywhere on the page or pasted, and shows that they may be. */
export function Drop({ onFiles }: { onFiles(files: readonly File[]): void }) {
  const [over, setOver] = useState(false);
  useEffect(() => {
    let depth = 0;
    const hasFiles = (event: DragEvent): boolean => event.dataTransfer?.types.includes('Files') ?? false;
    const handlers = {
      dragenter(event: DragEvent) {
        if (!hasFiles(event)) return;
        depth++;
        setOver(true);
      },
      dragleave(event: DragEvent) {
        if (hasFiles(event) && --depth === 0) setOver(false);
      },
      dragover(event: DragEvent) {
        if (hasFiles(event)) event.preventDefault();
      },
      drop(event: DragEvent) {
        if (!hasFiles(event)) return;
        event.preventDefault();
        depth = 0;
        setOver(false);
        onFiles([...event.dataTransfer!.files]);
      },
      paste(event: ClipboardEvent) {
        const files = [...(event.clipboardData?.files ?? [])];
        if (files.length === 0) return;
        event.preventDefault();
        onFiles(files);
      },
    };
    const all = Object.entries(handlers) as [string, EventListener][];
    for (const [name, handler] of all) addEventListener(name, handler);
    return () => {
      for (const [name, handler] of all) removeEventListener(name, handler);
    };
  }, [onFiles]);
  return over ? (
    <div class="drop" aria-hidden="true">
      <p>Drop pictures to vary or edit them</p>
    </div>
  ) : null;
}
