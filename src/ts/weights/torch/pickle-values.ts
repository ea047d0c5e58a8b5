/** A name that a pickle refers to: data, never looked up. */
export class PickleGlobal {
  readonly module: string;
  readonly name: string;

  constructor(module: string, name: string) {
    this.module = module;
    this.name = name;
  }

  toString(): string {
    return `${this.module}.${this.name}`;
  }
}

/** An instance of a class that is known by name only: whatever state the pickle gives it. */
export class PickleObject {
  readonly type: PickleGlobal;
  /** Attributes by name. */
  state: PickleMap = new Map();

  constructor(type: PickleGlobal) {
    this.type = type;
  }
}

export type PickleMap = Map<unknown, unknown>;

/** A Python tuple; lists and sets are plain arrays. */
export class PickleTuple {
  readonly items: readonly unknown[];

  constructor(items: readonly unknown[]) {
    this.items = items;
  }
}

/** What a pickle's names, calls and outside references mean. Each may throw to refuse. */
export interface PickleRules {
  /** A name: refused here, before anything is made of it. */
  global(module: string, name: string): PickleGlobal;
  /** callable(*args). */
  call(callable: PickleGlobal, args: readonly unknown[]): unknown;
  /** cls.__new__(cls, *args). */
  create(type: PickleGlobal, args: readonly unknown[]): unknown;
  /** What lies outside the pickle. */
  persistent(id: unknown): unknown;
}
