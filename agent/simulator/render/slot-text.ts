// A text whose numbers change in place. Rule by which a reader sees no torn number: the text keeps its length, the digits of
// a number of up to 16 do not cross a multiple of 16 bytes, and a change is one positional write of the whole. Readers in the
// writer's own thread never overlap it. For others the kernel copies pages without a lock, 16 bytes or more at a time: old
// bytes may come beside new ones, never within such a number.
// A shorter number leaves blanks, as the kernel's own padded files do.

const BLOCK_BYTES = 16;
const BLANK = 0x20;

export type SlotValue = string | number | { toString(): string };

interface Slot<S> {
  readonly offset: number;
  readonly width: number;
  readonly align: 'left' | 'right';
  readonly read: (state: S) => SlotValue;
  shown: string;
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
  #changed = false;

  text(part: string): this {
    this.#text += part;
    return this;
  }

  slot({ width, prefix = '', align = 'left', read }: SlotOptions<S>): this {
    const start = (this.#text.length + prefix.length) % BLOCK_BYTES;
    if (start + width > BLOCK_BYTES && start > 0) this.#text += ' '.repeat(BLOCK_BYTES - start);
    this.#text += prefix;
    if (width > BLOCK_BYTES && this.#text.length > 0) throw new RangeError(`${width} characters are more than a block`);
    this.#slots.push({ offset: this.#text.length, width, align, read, shown: '' });
    this.#text += ' '.repeat(width);
    return this;
  }

  /** The whole text with the numbers of a state, in a buffer that the next call uses again. */
  render(state: S): Buffer {
    this.#changed = this.#bytes === undefined;
    this.#bytes ??= Buffer.from(this.#text, 'latin1');
    for (const slot of this.#slots) {
      const text = slot.read(state).toString();
      if (text === slot.shown) continue;
      fill(this.#bytes, slot, text);
      slot.shown = text;
      this.#changed = true;
    }
    return this.#bytes;
  }

  /** Whether the last rendering differs from the one before it. */
  get changed(): boolean {
    return this.#changed;
  }
}

function fill(
  bytes: Buffer,
  { offset, width, align }: Pick<Slot<never>, 'offset' | 'width' | 'align'>,
  text: string,
): void {
  if (text.length > width) throw new RangeError(`${text} does not fit into ${width} characters`);
  const start = align === 'left' ? offset : offset + width - text.length;
  bytes.fill(BLANK, offset, offset + width);
  bytes.write(text, start, 'latin1');
}
