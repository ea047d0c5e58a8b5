/**
 * News on their way to one reader, who may be slow: what is newer than news under the same key takes their place, so no more is
 * kept than there are keys.
 */
export class Mailbox<News> {
  readonly #news = new Map<string, News>();
  #wake: () => void = () => {};
  #end: { readonly error?: unknown } | undefined;

  post(key: string, news: News): void {
    // Newer ones go to the end of the line, since what they report happened later.
    this.#news.delete(key);
    this.#news.set(key, news);
    this.#wake();
  }

  /** What nobody needs to know any more. */
  forget(key: string): void {
    this.#news.delete(key);
  }

  /** No more news come. The first end counts. @param error given to the reader once everything posted before is read */
  end(error?: unknown): void {
    this.#end ??= error === undefined ? {} : { error };
    this.#wake();
  }

  /** The oldest news, waited for; undefined after the end. Throws what {@link end} was given. */
  async next(): Promise<News | undefined> {
    for (;;) {
      const [first] = this.#news;
      if (first !== undefined) {
        this.#news.delete(first[0]);
        return first[1];
      }
      if (this.#end !== undefined) {
        if ('error' in this.#end) throw this.#end.error;
        return undefined;
      }
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}
