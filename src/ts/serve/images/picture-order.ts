/** Encoding takes its time: here the events of each picture are brought into their order. */
export class PictureOrder {
  readonly #last = new Map<number, Promise<void>>();
  /** By picture: how many states that may be passed over have come. */
  readonly #arrived = new Map<number, number>();

  /**
   * Sends an unfinished state after what came before it of the same picture. One that cannot be sent is left out.
   * @param passable whether it is left out, too, when a newer one has come before its turn
   */
  unfinished(picture: number, passable: boolean, send: () => Promise<void>): void {
    const number = (this.#arrived.get(picture) ?? 0) + 1;
    if (passable) this.#arrived.set(picture, number);
    const late = (): boolean => passable && this.#arrived.get(picture) !== number;
    this.finished(picture, async () => (late() ? undefined : send())).catch(() => {});
  }

  /** Sends a finished picture after everything that came before it. */
  finished(picture: number, send: () => Promise<void>): Promise<void> {
    const before = this.#last.get(picture)?.catch(() => {}) ?? Promise.resolve();
    const sent = before.then(send);
    this.#last.set(picture, sent);
    return sent;
  }
}
