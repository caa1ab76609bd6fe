// Errors of one PCI device. A device has eight correctable errors and twice eighteen uncorrectable ones, nearly all zero for ever:
// correctable ones of an endpoint always have their series, any other has one from the first reading at which it was counted.
import { isAbsent, type AbsenceReason, type Steps } from '#agent/contract';
import { parseAer } from '../../parse/aer.ts';
import type { CounterSeries, SeriesGroup } from '../../snapshot.ts';
import type { CollectorContext } from '../collector.ts';
import { ParsedFile, type Parser } from '../parsed-file.ts';
import type { AerDevice } from './devices.ts';

const severities = ['correctable', 'nonfatal', 'fatal'] as const;
type Severity = (typeof severities)[number];

export class DeviceErrors {
  readonly device: AerDevice;
  readonly #context: CollectorContext;
  readonly #group: SeriesGroup;
  readonly #parts: readonly ErrorsOfSeverity[];

  constructor(context: CollectorContext, device: AerDevice) {
    this.device = device;
    this.#context = context;
    const group = (this.#group = context.snapshot.group());
    this.#parts = severities
      .filter((severity) => context.tree.exists(pathOf(device, severity)))
      .map((severity) => new ErrorsOfSeverity(context, group, device, severity));
  }

  get hasSeries(): boolean {
    return this.#group.series.length > 0;
  }

  /** Why a part of it could not be read: not_present if the device is gone; undefined if all was. */
  read(): AbsenceReason | undefined {
    const reasons = this.#parts.map((part) => part.read());
    return reasons.includes('not_present') ? 'not_present' : reasons.find((reason) => reason !== undefined);
  }

  remove(): void {
    for (const part of this.#parts) part.close();
    this.#context.snapshot.remove(this.#group);
  }
}

class ErrorsOfSeverity {
  readonly #file: ParsedFile<ReadonlyMap<string, Steps>>;
  readonly #group: SeriesGroup;
  readonly #labels: { readonly pci_bus_id: string; readonly severity: Severity };
  readonly #showsZero: boolean;
  readonly #series = new Map<string, CounterSeries>();

  constructor(context: CollectorContext, group: SeriesGroup, device: AerDevice, severity: Severity) {
    this.#file = new ParsedFile(context, pathOf(device, severity), new UnchangedAer());
    this.#group = group;
    this.#labels = { pci_bus_id: device.address, severity };
    this.#showsZero = severity === 'correctable' && device.kind === 'endpoint';
  }

  read(): AbsenceReason | undefined {
    const counts = this.#file.read();
    if (isAbsent(counts)) {
      for (const series of this.#series.values()) series.absent(counts.reason);
      return counts.reason;
    }
    for (const [error, count] of counts) this.#seriesOf(error, count)?.set(count);
    for (const [error, series] of this.#series) if (!counts.has(error)) series.absent('unsupported');
    return undefined;
  }

  close(): void {
    this.#file.close();
  }

  #seriesOf(error: string, count: Steps): CounterSeries | undefined {
    const known = this.#series.get(error);
    if (known || (count == 0 && !this.#showsZero)) return known;
    const series = this.#group.counter('pcie_aer_errors_total', { ...this.#labels, error });
    this.#series.set(error, series);
    return series;
  }
}

/** Errors are rare: a file that says what it said before is not parsed again. */
class UnchangedAer implements Parser<ReadonlyMap<string, Steps>> {
  #before = Buffer.alloc(0);
  #counts: ReadonlyMap<string, Steps> = new Map();

  parse(bytes: Buffer, source: string): ReadonlyMap<string, Steps> {
    if (this.#counts.size > 0 && bytes.equals(this.#before)) return this.#counts;
    this.#counts = parseAer(bytes, source);
    this.#before = Buffer.from(bytes);
    return this.#counts;
  }
}

function pathOf({ directory }: AerDevice, severity: Severity): string {
  return `${directory}/aer_dev_${severity}`;
}
