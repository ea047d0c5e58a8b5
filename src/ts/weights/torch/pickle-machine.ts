import type { Cursor } from './file-bytes.js';
import { FormatError } from './format-error.js';
import { PickleGlobal, type PickleMap, PickleObject, type PickleRules, PickleTuple } from './pickle-values.js';

/** Bounds memory and time: each operation makes one value at most. A checkpoint has some twenty for a tensor. */
const MAX_OPERATIONS = 2_000_000;
const MAX_PROTOCOL = 5;
/** Whole numbers of a checkpoint are sizes and version numbers. */
const MAX_LONG_BYTES = 64;
const MARK = Symbol('mark');

/**
 * Runs one pickle from the cursor to its STOP and returns its value: None is null; numbers beyond 2^53 are bigint; dict is a
 * Map; list and set are arrays; tuple is a PickleTuple. Opcodes as CPython's Lib/pickletools.py describes them; those that
 * only extension registries, old class instances or out-of-band buffers need are refused. Nothing of a pickle is ever
 * executed: what its names and calls mean is up to `rules`.
 * @throws FormatError
 */
export function runPickle(cursor: Cursor, rules: PickleRules): unknown {
  return new Machine(cursor, rules).run();
}

class Machine {
  readonly #in: Cursor;
  readonly #rules: PickleRules;
  readonly #stack: unknown[] = [];
  readonly #memo = new Map<number, unknown>();

  constructor(cursor: Cursor, rules: PickleRules) {
    this.#in = cursor;
    this.#rules = rules;
  }

  run(): unknown {
    for (let count = 0; count < MAX_OPERATIONS; count++) {
      const code = this.#in.byte();
      if (code === 0x2e) return this.#pop();
      const operation = OPERATIONS.get(code);
      if (operation === undefined) {
        const shown = code.toString(16).padStart(2, '0');
        throw new FormatError(
          `its pickle has the operation 0x${shown}, which no checkpoint needs; it is not read further`,
        );
      }
      operation(this);
    }
    throw new FormatError(`its pickle has more than ${MAX_OPERATIONS} operations, which no checkpoint has`);
  }

  get input(): Cursor {
    return this.#in;
  }

  push(value: unknown): void {
    this.#stack.push(value);
  }

  mark(): void {
    this.#stack.push(MARK);
  }

  #pop(): unknown {
    if (this.#stack.length === 0) throw new FormatError('its pickle takes a value that is not there');
    const value = this.#stack.pop();
    if (value === MARK) throw new FormatError('its pickle takes a value that is not there');
    return value;
  }

  pop(): unknown {
    return this.#pop();
  }

  /** POP may also drop a mark. */
  drop(): void {
    if (this.#stack.pop() === undefined) throw new FormatError('its pickle takes a value that is not there');
  }

  top(): unknown {
    const value = this.#stack.at(-1);
    if (value === undefined || value === MARK) throw new FormatError('its pickle takes a value that is not there');
    return value;
  }

  /** Everything above the last mark, which goes too. */
  popToMark(): unknown[] {
    const at = this.#stack.lastIndexOf(MARK);
    if (at < 0) throw new FormatError('its pickle lacks a mark');
    const items = this.#stack.splice(at);
    items.shift();
    return items;
  }

  put(index: number): void {
    this.#memo.set(index, this.top());
  }

  memoize(): void {
    this.put(this.#memo.size);
  }

  get(index: number): void {
    if (!this.#memo.has(index)) throw new FormatError('its pickle recalls a value that it never kept');
    this.push(this.#memo.get(index));
  }

  tuple(count: number): void {
    const items: unknown[] = [];
    for (let i = 0; i < count; i++) items.unshift(this.#pop());
    this.push(new PickleTuple(items));
  }

  setItems(items: readonly unknown[]): void {
    const target = this.top();
    if (!(target instanceof Map) || items.length % 2 !== 0)
      throw new FormatError('its pickle sets items of what is no dict');
    for (let i = 0; i < items.length; i += 2) target.set(items[i], items[i + 1]);
  }

  append(items: readonly unknown[]): void {
    const target = this.top();
    if (!Array.isArray(target)) throw new FormatError('its pickle appends to what is no list');
    for (const item of items) target.push(item);
  }

  global(module: unknown, name: unknown): void {
    if (typeof module !== 'string' || typeof name !== 'string')
      throw new FormatError('its pickle has a name that is no text');
    this.push(this.#rules.global(module, name));
  }

  #argumentsOf(value: unknown): readonly unknown[] {
    if (!(value instanceof PickleTuple)) throw new FormatError('its pickle calls with what is no tuple');
    return value.items;
  }

  reduce(): void {
    const args = this.#argumentsOf(this.#pop());
    const callable = this.#pop();
    if (!(callable instanceof PickleGlobal)) throw new FormatError('its pickle calls what is no name');
    this.push(this.#rules.call(callable, args));
  }

  create(): void {
    const args = this.#argumentsOf(this.#pop());
    const type = this.#pop();
    if (!(type instanceof PickleGlobal)) throw new FormatError('its pickle makes an instance of what is no class');
    this.push(this.#rules.create(type, args));
  }

  build(): void {
    const given = this.#pop();
    const target = this.top();
    // With __slots__ the state is a pair of which the first part is the usual one.
    const state = given instanceof PickleTuple ? given.items[0] : given;
    if (target instanceof PickleObject && state instanceof Map) target.state = state;
    // An OrderedDict may carry attributes (a state dict's _metadata): nothing that a tensor needs.
    else if (!(target instanceof Map)) throw new FormatError('its pickle gives state to what has none');
  }

  persistent(): void {
    this.push(this.#rules.persistent(this.#pop()));
  }
}

function long(bytes: Buffer): number | bigint {
  if (bytes.length > MAX_LONG_BYTES) throw new FormatError('its pickle has a number of more than 512 bits');
  let value = 0n;
  for (let i = bytes.length - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[i]!);
  return narrow(BigInt.asIntN(bytes.length * 8, value));
}

function narrow(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

/** `42`, `42L`, and the booleans of protocol 0, `00` and `01`. */
function decimal(line: string): number | bigint | boolean {
  if (line === '00' || line === '01') return line === '01';
  if (!/^-?\d{1,100}L?$/.test(line)) throw new FormatError('its pickle has a number that is none');
  return narrow(BigInt(line.replace('L', '')));
}

const latin1 = (bytes: Buffer): string => bytes.toString('latin1');
const emptyMap = (): PickleMap => new Map();

function mapOf(items: readonly unknown[]): PickleMap {
  const map = emptyMap();
  for (let i = 0; i + 1 < items.length; i += 2) map.set(items[i], items[i + 1]);
  return map;
}

const OPERATIONS = new Map<number, (m: Machine) => void>([
  // PROTO, FRAME
  [
    0x80,
    (m) => {
      const version = m.input.byte();
      if (version > MAX_PROTOCOL) throw new FormatError(`its pickle has protocol ${version}, which is not known`);
    },
  ],
  [0x95, (m) => void m.input.uint64()],
  // MARK, POP, POP_MARK, DUP
  [0x28, (m) => m.mark()],
  [0x30, (m) => m.drop()],
  [0x31, (m) => void m.popToMark()],
  [0x32, (m) => m.push(m.top())],
  // NONE, NEWTRUE, NEWFALSE
  [0x4e, (m) => m.push(null)],
  [0x88, (m) => m.push(true)],
  [0x89, (m) => m.push(false)],
  // INT, LONG, BININT, BININT1, BININT2, LONG1, LONG4
  [0x49, (m) => m.push(decimal(m.input.line()))],
  [0x4c, (m) => m.push(decimal(m.input.line()))],
  [0x4a, (m) => m.push(m.input.bytes(4).readInt32LE())],
  [0x4b, (m) => m.push(m.input.byte())],
  [0x4d, (m) => m.push(m.input.bytes(2).readUInt16LE())],
  [0x8a, (m) => m.push(long(m.input.bytes(m.input.byte())))],
  [0x8b, (m) => m.push(long(m.input.bytes(m.input.bytes(4).readUInt32LE())))],
  // FLOAT, BINFLOAT
  [0x46, (m) => m.push(Number(m.input.line()))],
  [0x47, (m) => m.push(m.input.bytes(8).readDoubleBE())],
  // BINUNICODE, SHORT_BINUNICODE, BINUNICODE8, and Python 2's BINSTRING, SHORT_BINSTRING
  [0x58, (m) => m.push(m.input.utf8(m.input.bytes(4).readUInt32LE()))],
  [0x8c, (m) => m.push(m.input.utf8(m.input.byte()))],
  [0x8d, (m) => m.push(m.input.utf8(m.input.uint64()))],
  [0x54, (m) => m.push(latin1(m.input.bytes(m.input.bytes(4).readUInt32LE())))],
  [0x55, (m) => m.push(latin1(m.input.bytes(m.input.byte())))],
  // BINBYTES, SHORT_BINBYTES, BINBYTES8
  [0x42, (m) => m.push(Uint8Array.from(m.input.bytes(m.input.bytes(4).readUInt32LE())))],
  [0x43, (m) => m.push(Uint8Array.from(m.input.bytes(m.input.byte())))],
  [0x8e, (m) => m.push(Uint8Array.from(m.input.bytes(m.input.uint64())))],
  // EMPTY_LIST, LIST, APPEND, APPENDS
  [0x5d, (m) => m.push([])],
  [0x6c, (m) => m.push(m.popToMark())],
  [0x61, (m) => m.append([m.pop()])],
  [0x65, (m) => m.append(m.popToMark())],
  // EMPTY_TUPLE, TUPLE, TUPLE1 to TUPLE3
  [0x29, (m) => m.tuple(0)],
  [0x74, (m) => m.push(new PickleTuple(m.popToMark()))],
  [0x85, (m) => m.tuple(1)],
  [0x86, (m) => m.tuple(2)],
  [0x87, (m) => m.tuple(3)],
  // EMPTY_DICT, DICT, SETITEM, SETITEMS
  [0x7d, (m) => m.push(emptyMap())],
  [0x64, (m) => m.push(mapOf(m.popToMark()))],
  [
    0x73,
    (m) => {
      const value = m.pop();
      m.setItems([m.pop(), value]);
    },
  ],
  [0x75, (m) => m.setItems(m.popToMark())],
  // EMPTY_SET, ADDITEMS, FROZENSET
  [0x8f, (m) => m.push([])],
  [0x90, (m) => m.append(m.popToMark())],
  [0x91, (m) => m.push(m.popToMark())],
  // PUT, BINPUT, LONG_BINPUT, MEMOIZE, GET, BINGET, LONG_BINGET
  [0x70, (m) => m.put(Number(decimal(m.input.line())))],
  [0x71, (m) => m.put(m.input.byte())],
  [0x72, (m) => m.put(m.input.bytes(4).readUInt32LE())],
  [0x94, (m) => m.memoize()],
  [0x67, (m) => m.get(Number(decimal(m.input.line())))],
  [0x68, (m) => m.get(m.input.byte())],
  [0x6a, (m) => m.get(m.input.bytes(4).readUInt32LE())],
  // GLOBAL, STACK_GLOBAL, REDUCE, NEWOBJ, BUILD, BINPERSID
  [
    0x63,
    (m) => {
      const module = m.input.line();
      m.global(module, m.input.line());
    },
  ],
  [
    0x93,
    (m) => {
      const name = m.pop();
      m.global(m.pop(), name);
    },
  ],
  [0x52, (m) => m.reduce()],
  [0x81, (m) => m.create()],
  [0x62, (m) => m.build()],
  [0x51, (m) => m.persistent()],
]);
