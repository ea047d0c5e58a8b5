/** Counts things that are under way, so that one can wait for the last of them. */
export class Activity {
  #size = 0;
  #waiting: (() => void)[] = [];

  get size(): number {
    return this.#size;
  }

  begin(): void {
    this.#size++;
  }

  end(): void {
    if (--this.#size > 0) return;
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  /** Waits until nothing is under way, at most `ms` milliseconds. */
  async idle(ms: number): Promise<void> {
    if (this.#size === 0) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#waiting.push(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }
}
