// The SMART / health information log of an NVMe drive in the JSON of nvme-cli (kelvin; long counts as text; with -v objects)
// and of smartctl (celsius; numbers). NVM Express base specification, log page 02h.
import { absent, isAbsent, type Absence, type Steps } from '#agent/contract';
import { ParseError } from './parse-error.ts';
import { stepsOf, times } from './steps.ts';

export interface SmartLog {
  /** Bits: 0 spare, 1 temperature, 2 reliability, 3 read-only, 4 volatile backup, 5 PMR read-only. */
  readonly criticalWarning: number | Absence;
  /** Of 100. */
  readonly percentUsed: number | Absence;
  readonly spare: number | Absence;
  readonly spareThreshold: number | Absence;
  readonly readBytes: Steps | Absence;
  readonly writtenBytes: Steps | Absence;
  readonly mediaErrors: Steps | Absence;
  readonly errorLogEntries: Steps | Absence;
  readonly unsafeShutdowns: Steps | Absence;
  readonly powerCycles: Steps | Absence;
  readonly powerOnSeconds: Steps | Absence;
  readonly busySeconds: Steps | Absence;
  readonly celsius: number | Absence;
  /** Sensors 1 to 8, those that the drive has. */
  readonly sensorsCelsius: ReadonlyMap<number, number>;
}

const UNIT_BYTES = 512_000;
const SECONDS_PER_HOUR = 3600;
const SECONDS_PER_MINUTE = 60;
const ZERO_CELSIUS_KELVIN = 273.15;
const SENSORS = [1, 2, 3, 4, 5, 6, 7, 8] as const;
const unsupported = absent('unsupported');
const malformed = absent('malformed');

type Fields = Readonly<Record<string, unknown>>;

export function parseSmartLog(text: string, source: string): SmartLog {
  const root = fieldsOf(parseJson(text, source));
  const inner = fieldsOf(root?.['nvme_smart_health_information_log']);
  const fields = inner ?? root;
  if (fields?.['critical_warning'] === undefined) throw new ParseError(source, text, 'a log with critical_warning');
  const log = { ...levelsOf(fields), ...countsOf(fields), ...temperaturesOf(fields, inner ? 0 : ZERO_CELSIUS_KELVIN) };
  return withoutForgotten(withoutSilentSpare(log));
}

function parseJson(text: string, source: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new ParseError(source, text, 'JSON');
  }
}

function levelsOf(fields: Fields): Pick<SmartLog, 'criticalWarning' | 'percentUsed' | 'spare' | 'spareThreshold'> {
  const level = (...names: readonly string[]) => levelOf(count(fields, names));
  return {
    criticalWarning: level('critical_warning'),
    percentUsed: level('percent_used', 'percentage_used'),
    spare: level('avail_spare', 'available_spare'),
    spareThreshold: level('spare_thresh', 'available_spare_threshold'),
  };
}

function countsOf(
  fields: Fields,
): Omit<SmartLog, 'criticalWarning' | 'percentUsed' | 'spare' | 'spareThreshold' | 'celsius' | 'sensorsCelsius'> {
  const scaled = (name: string, factor = 1): Steps | Absence => {
    const value = count(fields, [name]);
    return isAbsent(value) ? value : times(value, factor);
  };
  return {
    readBytes: scaled('data_units_read', UNIT_BYTES),
    writtenBytes: scaled('data_units_written', UNIT_BYTES),
    mediaErrors: scaled('media_errors'),
    errorLogEntries: scaled('num_err_log_entries'),
    unsafeShutdowns: scaled('unsafe_shutdowns'),
    powerCycles: scaled('power_cycles'),
    powerOnSeconds: scaled('power_on_hours', SECONDS_PER_HOUR),
    busySeconds: scaled('controller_busy_time', SECONDS_PER_MINUTE),
  };
}

/** A drive that does not measure says 0 kelvin, and smartctl then -273. */
function temperaturesOf(fields: Fields, zero: number): Pick<SmartLog, 'celsius' | 'sensorsCelsius'> {
  const list: unknown = fields['temperature_sensors'];
  const sensors = SENSORS.flatMap((sensor) => {
    const value: unknown = Array.isArray(list) ? list[sensor - 1] : fields[`temperature_sensor_${sensor}`];
    const celsius = celsiusOf(value, zero);
    return isAbsent(celsius) ? [] : [[sensor, celsius] as const];
  });
  return { celsius: celsiusOf(fields['temperature'], zero), sensorsCelsius: new Map(sensors) };
}

function celsiusOf(value: unknown, zero: number): number | Absence {
  const told = plainOf(value);
  if (told === undefined || told === null) return unsupported;
  const degrees = typeof told === 'string' && told.trim() !== '' ? Number(told) : told;
  if (typeof degrees !== 'number' || !Number.isFinite(degrees)) return malformed;
  const none = zero > 0 ? degrees <= 0 : degrees <= -ZERO_CELSIUS_KELVIN + 1;
  return none ? unsupported : degrees - zero;
}

/** The first of the names that is there: the two programs spell some of them apart. */
function count(fields: Fields, names: readonly string[]): Steps | Absence {
  const name = names.find((one) => fields[one] !== undefined && fields[one] !== null);
  if (name === undefined) return unsupported;
  // smartctl adds the digits as text where a number would lose some.
  return countOf(fields[`${name}_s`]) ?? countOf(fields[name]) ?? malformed;
}

function countOf(value: unknown): Steps | undefined {
  const told = plainOf(value);
  if (typeof told === 'string') return stepsOf(told.trim());
  if (typeof told !== 'number' || !Number.isInteger(told) || told < 0) return undefined;
  return Number.isSafeInteger(told) ? told : BigInt(told);
}

/** `nvme -v` tells the bits of a field apart in an object, with the whole of it as `value`. */
function plainOf(value: unknown): unknown {
  return fieldsOf(value)?.['value'] ?? value;
}

function levelOf(value: Steps | Absence): number | Absence {
  if (isAbsent(value)) return value;
  return value <= 255 ? Number(value) : malformed;
}

/** A spare of 0 above a threshold of 0 is a drive that tells neither. */
function withoutSilentSpare(log: SmartLog): SmartLog {
  if (log.spare !== 0 || log.spareThreshold !== 0) return log;
  return { ...log, spare: unsupported, spareThreshold: unsupported };
}

/** Hours of power without ever having been powered on: the drive has forgotten its counts, and its zeros mean nothing. */
function withoutForgotten(log: SmartLog): SmartLog {
  const hasRun = !isAbsent(log.powerOnSeconds) && log.powerOnSeconds > 0;
  if (!hasRun || log.powerCycles !== 0) return log;
  return {
    ...log,
    readBytes: malformed,
    writtenBytes: malformed,
    unsafeShutdowns: malformed,
    powerCycles: malformed,
    busySeconds: malformed,
  };
}

/** An object of JSON; undefined for anything else. */
function fieldsOf(value: unknown): Fields | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : undefined;
}
