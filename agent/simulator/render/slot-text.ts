// A text whose numbers change in place. Rule by which no reader ever sees a torn number: the text keeps its length, each
// number has a slot of its own that does not cross a line of 64 bytes, and a change is one positional write of the whole.
// For the kernel copies such a file without a lock, cache line by cache line: a reader in another process may get an old
// line beside a new one, never half of a number. A shorter number leaves blanks, as the kernel's own padded files do.

const LINE_BYTES = 64;
const BLANK = 0x20;

export type SlotValue = string | number | { toString(): string };

interface Slot<S> {
  readonly offset: number;
  readonly width: number;
  readonly align: 'left' | 'right';
  readonly read: (state: S) => SlotValue;
}

export interface SlotOptions<S> {
  readonly width: number;
  /** Text that belongs to the number and stays with it: `avg10=`. */
  readonly prefix?: string;
  /** Default left. */
  readonly align?: 'left' | 'right';
  readonly read: (state: S) => SlotValue;
}

export class SlotText<S> {
  #text = '';
  readonly #slots: Slot<S>[] = [];
  #bytes: Buffer | undefined;

  text(part: string): this {
    this.#text += part;
    return this;
  }

  slot({ width, prefix = '', align = 'left', read }: SlotOptions<S>): this {
    const length = prefix.length + width;
    const left = LINE_BYTES - (this.#text.length % LINE_BYTES);
    if (length > left) this.#text += ' '.repeat(left);
    this.#text += prefix;
    this.#slots.push({ offset: this.#text.length, width, align, read });
    this.#text += ' '.repeat(width);
    return this;
  }

  /** The whole text with the numbers of a state, in a buffer that the next call uses again. */
  render(state: S): Buffer {
    this.#bytes ??= Buffer.from(this.#text, 'latin1');
    for (const slot of this.#slots) fill(this.#bytes, slot, slot.read(state).toString());
    return this.#bytes;
  }
}

function fill(bytes: Buffer, { offset, width, align }: Slot<never>, text: string): void {
  if (text.length > width) throw new RangeError(`${text} does not fit into ${width} characters`);
  const start = align === 'left' ? offset : offset + width - text.length;
  bytes.fill(BLANK, offset, offset + width);
  bytes.write(text, start, 'latin1');
}
