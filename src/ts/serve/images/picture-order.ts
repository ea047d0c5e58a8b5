/** Encoding takes its time: here the events of each picture are brought into their order. */
export class PictureOrder {
  readonly #last = new Map<number, Promise<void>>();
  /** By picture: the newest state that may be passed over and waits for its turn. */
  readonly #waiting = new Map<number, () => Promise<void>>();

  /**
   * Sends an unfinished state after what came before it of the same picture. One that cannot be sent is left out.
   * @param passable whether it is left out, too, when a newer one comes before its turn; nothing of it is held then
   */
  unfinished(picture: number, passable: boolean, send: () => Promise<void>): void {
    if (!passable) {
      this.finished(picture, send).catch(() => {});
      return;
    }
    const takesPlace = this.#waiting.has(picture);
    this.#waiting.set(picture, send);
    if (takesPlace) return;
    this.finished(picture, () => this.#newest(picture)).catch(() => {});
  }

  /** Sends a finished picture after everything that came before it. */
  finished(picture: number, send: () => Promise<void>): Promise<void> {
    const before = this.#last.get(picture)?.catch(() => {}) ?? Promise.resolve();
    const sent = before.then(send);
    this.#last.set(picture, sent);
    return sent;
  }

  #newest(picture: number): Promise<void> {
    const send = this.#waiting.get(picture)!;
    this.#waiting.delete(picture);
    return send();
  }
}
