// perfquery: counters of ports, one section each. infiniband-diags; attributes of the InfiniBand Architecture Specification.
import { ParseError } from '../parse-error.ts';
import { isErrorCounter } from './counter-names.ts';
import { withoutReturn, type LineParser } from './line-parser.ts';

export const sectionKinds = ['basic', 'extended', 'discards', 'receive_errors', 'samples'] as const;
export type SectionKind = (typeof sectionKinds)[number];

export interface PerfSection {
  readonly kind: SectionKind;
  readonly lid: number | null;
  readonly port: number;
  readonly capabilityMask: number | null;
  readonly capabilityMask2: number | null;
  /** Name → decimal digits. */
  readonly counters: Readonly<Record<string, string>>;
}

const SOURCE = 'perfquery';
const titles = new Map<string, SectionKind>([
  ['Port counters', 'basic'],
  ['Port extended counters', 'extended'],
  ['PortXmitDiscardDetails counters', 'discards'],
  ['PortRcvErrorDetails counters', 'receive_errors'],
  ['PortSamplesControl', 'samples'],
]);
const head = /^# ([\w ]+?): (?:Lid (\d+)|.*?) port (\d+)(?: \(CapMask: (0x[\da-f]+)(?: CapMask2: (0x[\da-f]+))?\))?$/i;
const row = /^(\w+):\.*\s*(\d+|0x[\da-f]+)$/;
const HAS_WIDE_ERRORS = 0x2;

export function perfQueryParser(): LineParser<readonly PerfSection[]> {
  return new PerfQueryParser();
}

/** PortCountersExtended carries error counters of 64 bits; without it the same lines are printed and mean nothing. */
export function hasWideErrors({ capabilityMask2 }: PerfSection): boolean {
  return capabilityMask2 !== null && (capabilityMask2 & HAS_WIDE_ERRORS) !== 0;
}

interface OpenSection extends Omit<PerfSection, 'counters'> {
  readonly counters: Record<string, string>;
}

class PerfQueryParser implements LineParser<readonly PerfSection[]> {
  readonly #sections: PerfSection[] = [];
  /** undefined below a title that we do not read. */
  #open: OpenSection | undefined;

  line(text: string): void {
    const line = withoutReturn(text).trimEnd();
    if (line.startsWith('#')) this.#head(line);
    else if (/^\w+:/.test(line)) this.#row(line);
  }

  end(): readonly PerfSection[] {
    return this.#sections;
  }

  #head(line: string): void {
    const [, title, lid, port, mask, mask2] = head.exec(line) ?? [];
    if (title === undefined) throw new ParseError(SOURCE, line, '# TITLE: Lid LID port PORT');
    const kind = titles.get(title);
    this.#open = kind && {
      ...{ kind, port: Number(port), counters: {} },
      lid: lid === undefined ? null : Number(lid),
      capabilityMask: mask === undefined ? null : Number(mask),
      capabilityMask2: mask2 === undefined ? null : Number(mask2),
    };
  }

  #row(line: string): void {
    const open = this.#open;
    if (!open) return;
    // A title alone may have been cut within its number.
    if (this.#sections.at(-1) !== open) this.#sections.push(open);
    const [, name = '', value] = row.exec(line) ?? [];
    // Samples control holds masks and words besides the tick.
    if (value === undefined && open.kind === 'samples') return;
    if (value === undefined) throw new ParseError(SOURCE, line, 'NAME:....NUMBER');
    if (/^(PortSelect|CounterSelect2?)$/.test(name)) return;
    if (open.kind === 'extended' && isErrorCounter(name) && !hasWideErrors(open)) return;
    open.counters[name] = String(BigInt(value));
  }
}

/** Bytes of port time of one tick of PortXmitWait; null where the section has no tick. */
export function tickBytesOf({ counters }: PerfSection, widthLanes: number): number | null {
  const tick = counters['Tick'] === undefined ? undefined : Number(counters['Tick']);
  if (tick === undefined || tick > MOST_TICK) return null;
  // The interval is one more than the number says. Devices with 8 bytes count those of the port, the older ones with 32 those of each lane.
  return tick <= LAST_PORT_TICK ? tick + 1 : (tick + 1) * widthLanes;
}

const LAST_PORT_TICK = 7;
const MOST_TICK = 255;
