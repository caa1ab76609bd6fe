// One NVMe controller: its state, PCIe link and temperature.
import { absent, celsius, isAbsent, type Absence, type Quantity } from '#agent/contract';
import { parseInteger } from '../../parse/bytes.ts';
import { ParseError } from '../../parse/parse-error.ts';
import type { GaugeSeries, SeriesGroup } from '../../snapshot.ts';
import type { CollectorContext } from '../collector.ts';
import type { ControllerFacts } from './facts.ts';
import { PcieLink } from './link.ts';

const MILLIDEGREES = 1000;
/** An answer takes a fraction of a millisecond; a drive that takes this long is not asked again for a while. */
const SLOW_ANSWER_MS = 100;
const REST_MS = 600_000;

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

  /** False if the controller is gone. */
  readState(): boolean {
    const before = this.#state;
    const text = this.#context.tree.text(`${this.#facts.path}/state`);
    this.#state = isAbsent(text) ? text : text.trim();
    if (isAbsent(this.#state)) {
      this.#up.absent(this.#state.reason);
      return isAbsent(before);
    }
    this.#up.set(this.#state === 'live' ? 1 : 0);
    if (before !== this.#state && !isAbsent(before)) this.#tellState(this.#state);
    return true;
  }

  readSlow(): void {
    this.#link?.read();
    this.#temperature?.put(this.#readTemperature());
  }

  /** The drive itself is asked: one that is not live may let the question wait for a minute. */
  #readTemperature(): Quantity<'celsius'> | Absence {
    const { tree, monotonicMs, log } = this.#context;
    const { temperature = '', info } = this.#facts;
    if (!isAbsent(this.#state) && this.#state !== 'live') return absent('timed_out');
    const startMs = monotonicMs();
    if (startMs < this.#restUntilMs) return absent('timed_out');
    const answer = parsed(tree.file(temperature), temperature);
    const tookMs = monotonicMs() - startMs;
    if (tookMs > SLOW_ANSWER_MS) {
      this.#restUntilMs = startMs + REST_MS;
      log.warn('NVMe controller is slow to tell its temperature', {
        controller: info.controller,
        ms: Math.round(tookMs),
      });
    }
    return answer;
  }

  #tellState(state: string): void {
    const { log } = this.#context;
    const details = { controller: this.#facts.info.controller, state };
    if (state === 'live') log.info('NVMe controller is live again', details);
    else log.warn('NVMe controller is not live', details);
  }
}

function parsed(file: { read(): Buffer | Absence; close(): void }, path: string): Quantity<'celsius'> | Absence {
  const bytes = file.read();
  file.close();
  if (isAbsent(bytes)) return bytes;
  try {
    return celsius(parseInteger(bytes, path) / MILLIDEGREES);
  } catch (error) {
    if (error instanceof ParseError) return absent('malformed');
    throw error;
  }
}
