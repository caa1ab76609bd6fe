// mlxlink --json: state, error rates, lanes and module of one port. NVIDIA firmware tools (MFT), mlxlink manual.
// It needs root and takes most of a second for a device, so that no reader runs it yet: this is wired to nothing.
import { absent, celsius, isAbsent, seconds, type Absence, type Quantity, type Steps } from '#agent/contract';
import { ParseError } from '../parse-error.ts';
import { countOf, fieldsOf, numberOf, parseToolJson, textOf, type Fields } from './tool-json.ts';

/** A measured value, and between which limits the module wants it. */
export interface Ranged<T> {
  readonly value: T;
  readonly low: T;
  readonly high: T;
}

export interface LinkLane {
  /** From 0. */
  readonly lane: number;
  readonly rawBitErrorRate: number | Absence;
  readonly rawErrors: Steps | Absence;
  readonly biasMilliamperes: Ranged<number> | Absence;
  readonly transmittedDbm: Ranged<number> | Absence;
  readonly receivedDbm: Ranged<number> | Absence;
}

export interface LinkReport {
  readonly state: string | Absence;
  readonly physicalState: string | Absence;
  /** Told by the physical state: Ethernet has names of its own. */
  readonly linkLayer: 'Ethernet' | 'InfiniBand' | Absence;
  readonly speed: string | Absence;
  readonly widthLanes: number | Absence;
  readonly fec: string | Absence;
  /** Errors per bit before correction, and after it. */
  readonly rawBitErrorRate: number | Absence;
  readonly effectiveBitErrorRate: number | Absence;
  readonly effectiveErrors: Steps | Absence;
  readonly linkDowned: Steps | Absence;
  readonly linkErrorRecovery: Steps | Absence;
  /** How long the rates and errors have been counted. */
  readonly sinceClear: Quantity<'seconds'> | Absence;
  readonly moduleTemperature: Ranged<Quantity<'celsius'>> | Absence;
  readonly lanes: readonly LinkLane[];
}

const SOURCE = 'mlxlink';
/** Coefficient and exponent all ones: no errors have been seen. */
const NO_ERRORS = /^15(?:\.0+)?E-255$/i;

export function parseLinkReport(text: string): LinkReport {
  const output = outputOf(text);
  const operation = sectionOf(output, 'Operational Info');
  const errors = sectionOf(output, 'Physical Counters and BER Info');
  const module = sectionOf(output, 'Module Info');
  const physicalState = textOf(operation['Physical state']);
  const minutes = numberOf(errors['Time Since Last Clear [Min]']);
  return {
    state: textOf(operation['State']),
    physicalState,
    linkLayer: linkLayerOf(physicalState),
    speed: textOf(operation['Speed']),
    widthLanes: widthOf(operation['Width']),
    fec: textOf(operation['FEC']),
    rawBitErrorRate: errorRateOf(errors['Raw Physical BER']),
    effectiveBitErrorRate: errorRateOf(errors['Effective Physical BER']),
    effectiveErrors: countOf(errors['Effective Physical Errors']),
    linkDowned: countOf(errors['Link Down Counter']),
    linkErrorRecovery: countOf(errors['Link Error Recovery Counter']),
    sinceClear: isAbsent(minutes) ? minutes : seconds(minutes * 60),
    moduleTemperature: temperatureOf(module['Temperature [C]']),
    lanes: lanesOf(errors, module),
  };
}

/** A run that failed still prints JSON, with another code and the reason. */
function outputOf(text: string): Fields {
  const root = fieldsOf(parseToolJson(text, SOURCE));
  const status = fieldsOf(root?.['status']);
  if (status?.['code'] !== 0) throw new ParseError(SOURCE, messageOf(status) ?? text, 'status code 0');
  const output = fieldsOf(fieldsOf(root?.['result'])?.['output']);
  if (!output) throw new ParseError(SOURCE, text, 'result.output');
  return output;
}

function messageOf(status: Fields | undefined): string | undefined {
  return typeof status?.['message'] === 'string' ? status['message'] : undefined;
}

/** Which sections there are depends on what was asked for. */
function sectionOf(output: Fields, name: string): Fields {
  return fieldsOf(output[name]) ?? {};
}

function linkLayerOf(state: string | Absence): LinkReport['linkLayer'] {
  if (isAbsent(state)) return state;
  if (state.startsWith('ETH_')) return 'Ethernet';
  return state === 'LinkUp' ? 'InfiniBand' : absent('unsupported');
}

function widthOf(value: unknown): number | Absence {
  const text = textOf(value);
  if (isAbsent(text)) return text;
  const [, lanes] = /^(\d{1,2})x$/i.exec(text) ?? [];
  return lanes === undefined ? absent('malformed') : Number(lanes);
}

function errorRateOf(value: unknown): number | Absence {
  const text = textOf(value);
  if (isAbsent(text)) return text;
  if (NO_ERRORS.test(text)) return 0;
  const rate = numberOf(text);
  return isAbsent(rate) || (rate >= 0 && rate <= 1) ? rate : absent('malformed');
}

function temperatureOf(value: unknown): Ranged<Quantity<'celsius'>> | Absence {
  const [first = absent('malformed'), ...more] = rangedOf(value);
  if (isAbsent(first) || more.length > 0) return isAbsent(first) ? first : absent('malformed');
  return { value: celsius(first.value), low: celsius(first.low), high: celsius(first.high) };
}

/** `61 [-10..80]`, or with one value for each lane before the limits: `2.1,1.2 [-6.9..6.9]`. */
function rangedOf(value: unknown): readonly (Ranged<number> | Absence)[] {
  const text = textOf(value);
  if (isAbsent(text)) return [text];
  const [, list, low, high] = /^(.*\S)\s*\[([^\][]+)\.\.([^\][]+)\]$/.exec(text) ?? [];
  const [least, most] = [numberOf(low ?? null), numberOf(high ?? null)];
  if (list === undefined || isAbsent(least) || isAbsent(most)) return [absent('malformed')];
  return list.split(',').map((one) => {
    const number = numberOf(one);
    return isAbsent(number) ? number : { value: number, low: least, high: most };
  });
}

function lanesOf(errors: Fields, module: Fields): readonly LinkLane[] {
  const rates = listOf(errors['Raw Physical BER Per Lane']).map(errorRateOf);
  const counts = listOf(errors['Raw Physical Errors Per Lane']).map(countOf);
  const bias = rangedOf(module['Bias Current [mA]']);
  const transmitted = rangedOf(module['Tx Power Current [dBm]']);
  const received = rangedOf(module['Rx Power Current [dBm]']);
  const told = [rates, counts, bias, transmitted, received].map((list) => list.filter((one) => !isAbsent(one)).length);
  return Array.from({ length: Math.max(...told) }, (_, lane) => ({
    lane,
    rawBitErrorRate: ofLane(rates, lane),
    rawErrors: ofLane(counts, lane),
    biasMilliamperes: ofLane(bias, lane),
    transmittedDbm: ofLane(transmitted, lane),
    receivedDbm: ofLane(received, lane),
  }));
}

function listOf(value: unknown): readonly unknown[] {
  const values = fieldsOf(value)?.['values'];
  return Array.isArray(values) ? values : [];
}

/** A list of one absence says that of all lanes. */
function ofLane<T>(list: readonly (T | Absence)[], lane: number): T | Absence {
  const [first] = list;
  return list[lane] ?? (list.length === 1 && isAbsent(first) ? first : absent('not_present'));
}
