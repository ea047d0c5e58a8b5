/** Text that a browser keeps; nothing is kept where it does not let the page. */
export class TextStorage {
  readonly #area: () => Storage;
  readonly #name: string;

  /** @param area may throw where storage is switched off */
  constructor(area: () => Storage, name: string) {
    this.#area = area;
    this.#name = `unclip-${name}`;
  }

  read(): string | undefined {
    try {
      return this.#area().getItem(this.#name) ?? undefined;
    } catch {
      return undefined;
    }
  }

  write(text: string | undefined): void {
    try {
      if (text === undefined) this.#area().removeItem(this.#name);
      else this.#area().setItem(this.#name, text);
    } catch {
      // Then it lasts as long as the page.
    }
  }
}

/** Kept over visits. */
export const kept = (name: string): TextStorage => new TextStorage(() => localStorage, name);

/** Forgotten with the tab. */
export const ofTab = (name: string): TextStorage => new TextStorage(() => sessionStorage, name);
