// One NVMe controller: its state, PCIe link and temperature.
import { absent, celsius, isAbsent, type Absence, type Quantity } from '#agent/contract';
import { parseInteger } from '../../parse/bytes.ts';
import { ParseError } from '../../parse/parse-error.ts';
import type { GaugeSeries, SeriesGroup } from '../../snapshot.ts';
import type { SlowFiles } from '../../sources/slow-file.ts';
import type { CollectorContext } from '../collector.ts';
import type { ControllerFacts } from './facts.ts';
import { PcieLink } from './link.ts';

const MILLIDEGREES = 1000;
/** What hwmon makes of the 0 kelvin of a controller that does not measure, such as Linux's own target. */
const ZERO_KELVIN = -273_150;
/** An answer takes a fraction of a millisecond; a drive that takes this long is not asked again for a while. */
const TIMEOUT_MS = 500;
const REST_MS = 600_000;

export type StateChange = 'none' | 'changed' | 'gone';

export class NvmeController {
  readonly signature: string;
  readonly group: SeriesGroup;
  readonly #context: CollectorContext;
  readonly #facts: ControllerFacts;
  readonly #up: GaugeSeries<'boolean'>;
  readonly #link: PcieLink | undefined;
  readonly #temperature: GaugeSeries<'celsius'> | undefined;
  #state: string | Absence = absent('not_present');
  #restUntilMs = Number.NEGATIVE_INFINITY;

  constructor(context: CollectorContext, facts: ControllerFacts) {
    this.signature = JSON.stringify(facts);
    this.#context = context;
    this.#facts = facts;
    const group = (this.group = context.snapshot.group());
    const { controller } = facts.info;
    group.info('nvme_info', facts.info);
    this.#up = group.gauge('nvme_controller_up', { controller });
    this.#link = PcieLink.find(context.tree, group, facts);
    this.#temperature =
      facts.temperature === undefined
        ? undefined
        : group.gauge('nvme_temperature_celsius', { controller, sensor: 'composite' });
  }

  /** A controller that is not live may let a question wait for a minute. Old kernels do not tell the state. */
  get mayBeAsked(): boolean {
    return isAbsent(this.#state) || this.#state === 'live';
  }

  readState(): StateChange {
    const before = this.#state;
    const text = this.#context.tree.text(`${this.#facts.path}/state`);
    this.#state = isAbsent(text) ? text : text.trim();
    if (isAbsent(this.#state)) {
      this.#up.absent(this.#state.reason);
      return isAbsent(before) ? 'none' : 'gone';
    }
    this.#up.set(this.#state === 'live' ? 1 : 0);
    if (before === this.#state || isAbsent(before)) return 'none';
    this.#tellState(this.#state);
    return 'changed';
  }

  readLink(): void {
    this.#link?.read();
  }

  async readTemperature(files: SlowFiles): Promise<void> {
    this.#temperature?.put(await this.#askTemperature(files));
  }

  async #askTemperature(files: SlowFiles): Promise<Quantity<'celsius'> | Absence> {
    const { monotonicMs, log } = this.#context;
    const { temperature = '', info } = this.#facts;
    if (!this.mayBeAsked) return absent('timed_out');
    // That another drive does not answer is no fault of this one: it does not rest for it.
    if (files.isWaiting || monotonicMs() < this.#restUntilMs) return absent('timed_out');
    const text = await files.read(temperature, TIMEOUT_MS);
    if (!isAbsent(text)) return parseTemperature(text, temperature);
    if (text.reason === 'timed_out') {
      this.#restUntilMs = monotonicMs() + REST_MS;
      log.warn('NVMe controller does not tell its temperature', { controller: info.controller });
    }
    return text;
  }

  #tellState(state: string): void {
    const { log } = this.#context;
    const details = { controller: this.#facts.info.controller, state };
    if (state === 'live') log.info('NVMe controller is live again', details);
    else log.warn('NVMe controller is not live', details);
  }
}

function parseTemperature(text: string, path: string): Quantity<'celsius'> | Absence {
  try {
    const millidegrees = parseInteger(Buffer.from(text, 'latin1'), path);
    return millidegrees <= ZERO_KELVIN ? absent('unsupported') : celsius(millidegrees / MILLIDEGREES);
  } catch (error) {
    if (error instanceof ParseError) return absent('malformed');
    throw error;
  }
}
