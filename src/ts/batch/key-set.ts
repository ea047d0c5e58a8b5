/** Slots at the beginning; a power of two, as all sizes are. */
const FIRST_SIZE = 1024;

/** A set of content keys in 8 bytes each: the first 64 bits of hexadecimal SHA-256 digests. Ten million take 256 MiB at most. */
export class KeySet {
  #slots = new BigUint64Array(FIRST_SIZE);
  #count = 0;

  get size(): number {
    return this.#count;
  }

  /** @param key at least 16 hexadecimal digits */
  add(key: string): void {
    const value = digits64(key);
    const slot = this.#slotOf(value);
    if (this.#slots[slot] === value) return;
    this.#slots[slot] = value;
    if (++this.#count * 2 > this.#slots.length) this.#grow();
  }

  has(key: string): boolean {
    const value = digits64(key);
    return this.#slots[this.#slotOf(value)] === value;
  }

  /** Where a value is, or would be put. */
  #slotOf(value: bigint): number {
    const mask = this.#slots.length - 1;
    let slot = Number(value & BigInt(mask));
    while (this.#slots[slot] !== 0n && this.#slots[slot] !== value) slot = (slot + 1) & mask;
    return slot;
  }

  #grow(): void {
    const old = this.#slots;
    this.#slots = new BigUint64Array(2 * old.length);
    for (const value of old) if (value !== 0n) this.#slots[this.#slotOf(value)] = value;
  }
}

/** Zero marks an empty slot; the one digest in 2^64 that begins so shares its place with 1. */
const digits64 = (key: string): bigint => BigInt(`0x${key.slice(0, 16)}`) || 1n;
