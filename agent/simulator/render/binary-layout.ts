// Fixed binary records: sizes and offsets as a C compiler lays them out, and writing values into them. Absent values have marks.

export type Scalar<K extends 'u32' | 'i32' | 'u64' = 'u32' | 'i32' | 'u64'> = { readonly kind: K } & Extent;
export interface Extent {
  readonly size: number;
  readonly align: number;
}
export interface Text extends Extent {
  readonly kind: 'text';
}
export interface CounterLayout extends Extent {
  readonly kind: 'counter';
}
export interface ArrayOf<L> extends Extent {
  readonly kind: 'array';
  readonly of: L;
  readonly count: number;
}
export interface StructOf<F> extends Extent {
  readonly kind: 'struct';
  readonly name: string;
  readonly fields: F;
  readonly offsets: Readonly<Record<keyof F, number>>;
}
export type Layout = Scalar | Text | CounterLayout | ArrayOf<Layout> | StructOf<Readonly<Record<string, Layout>>>;

/** Counts from a value on. The same value in the next writing lets it run on; another begins anew there. */
export interface CounterValue {
  readonly from: number;
  readonly perSecond: number;
}

export type ValueOf<L> = L extends Scalar
  ? number
  : L extends Text
    ? string
    : L extends CounterLayout
      ? CounterValue
      : L extends ArrayOf<infer Of>
        ? readonly (ValueOf<Of> | undefined)[]
        : L extends StructOf<infer Fields>
          ? StructValues<Fields>
          : never;
export type StructValues<F> = { readonly [K in keyof F]?: ValueOf<F[K]> | undefined };

export const u32: Scalar<'u32'> = { kind: 'u32', size: 4, align: 4 };
export const i32: Scalar<'i32'> = { kind: 'i32', size: 4, align: 4 };
export const u64: Scalar<'u64'> = { kind: 'u64', size: 8, align: 8 };
/** Two doubles: the count at the record's time, and its rate per second. */
export const counter: CounterLayout = { kind: 'counter', size: 16, align: 8 };

export const absent = { u32: 0xffff_ffff, i32: -0x8000_0000, u64: 0xffff_ffff_ffff_ffffn } as const;

export function text(size: number): Text {
  return { kind: 'text', size, align: 1 };
}

export function array<L extends Layout>(of: L, count: number): ArrayOf<L> {
  return { kind: 'array', of, count, size: of.size * count, align: of.align };
}

export function struct<const F extends Readonly<Record<string, Layout>>>(name: string, fields: F): StructOf<F> {
  const offsets: Record<string, number> = {};
  let end = 0;
  let align = 1;
  for (const [field, layout] of Object.entries(fields)) {
    offsets[field] = roundUp(end, layout.align);
    end = roundUp(end, layout.align) + layout.size;
    align = Math.max(align, layout.align);
  }
  return { kind: 'struct', name, fields, offsets: offsetsOf(offsets), size: roundUp(end, align), align };
}

/** Where an element of an array begins, from the array's own beginning. */
export function elementAt(layout: ArrayOf<Layout>, index: number): number {
  return layout.of.size * index;
}

/** Told each counter's place in the record; gives its count now. */
export type CountAt = (offset: number, value: CounterValue) => number;

export function encode<L extends Layout>(
  layout: L,
  value: ValueOf<L>,
  countAt: CountAt = (_, { from }) => from,
): Buffer {
  const bytes = Buffer.alloc(layout.size);
  write({ bytes, countAt }, layout, { at: 0, value });
  return bytes;
}

interface Writing {
  readonly bytes: Buffer;
  readonly countAt: CountAt;
}

function write(to: Writing, layout: Layout, { at, value }: { readonly at: number; readonly value: unknown }): void {
  switch (layout.kind) {
    case 'u32':
      to.bytes.writeUInt32LE(typeof value === 'number' ? value >>> 0 : absent.u32, at);
      return;
    case 'i32':
      to.bytes.writeInt32LE(typeof value === 'number' ? value : absent.i32, at);
      return;
    case 'u64':
      to.bytes.writeBigUInt64LE(typeof value === 'number' ? BigInt(Math.round(value)) : absent.u64, at);
      return;
    case 'text':
      // The last byte stays 0.
      to.bytes.write(typeof value === 'string' ? value : '', at, layout.size - 1, 'latin1');
      return;
    case 'counter':
      writeCounter(to, at, value);
      return;
    case 'array':
      for (let index = 0; index < layout.count; index += 1)
        write(to, layout.of, {
          at: at + elementAt(layout, index),
          value: Array.isArray(value) ? value[index] : undefined,
        });
      return;
    case 'struct':
      for (const [field, of] of Object.entries(layout.fields))
        write(to, of, { at: at + (layout.offsets[field] ?? 0), value: memberOf(value, field) });
  }
}

function writeCounter({ bytes, countAt }: Writing, at: number, value: unknown): void {
  const known = isCounter(value);
  bytes.writeDoubleLE(known ? countAt(at, value) : Number.NaN, at);
  bytes.writeDoubleLE(known ? value.perSecond : 0, at + 8);
}

function memberOf(value: unknown, field: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, field) : undefined;
}

function isCounter(value: unknown): value is CounterValue {
  return typeof value === 'object' && value !== null && 'from' in value && 'perSecond' in value;
}

/** It was filled with one offset for every field. */
function offsetsOf<F>(offsets: Readonly<Record<string, number>>): Readonly<Record<keyof F, number>> {
  return offsets as Readonly<Record<keyof F, number>>;
}

function roundUp(at: number, align: number): number {
  return Math.ceil(at / align) * align;
}
