// Units of the catalogue as Grafana names them. https://grafana.com/docs/grafana/latest/panels-visualizations/configure-standard-options/
import { rowOf, type MetricId, type Unit } from '#agent/contract';

/** Unit of a metric's value, or of its gain per second if it is a counter. */
export function unitOf(id: MetricId): string {
  const { unit, kind } = rowOf(id);
  return kind === 'counter' ? perSecond(unit) : grafanaUnit(unit);
}

function grafanaUnit(unit: Unit): string {
  switch (unit) {
    case 'bytes':
      return 'decbytes';
    case 'bytes_per_second':
      return 'Bps';
    case 'seconds':
      return 's';
    case 'timestamp_seconds':
      return 'dateTimeAsIso';
    case 'ratio':
      return 'percentunit';
    case 'celsius':
      return 'celsius';
    case 'watts':
      return 'watt';
    case 'joules':
      return 'joule';
    case 'hertz':
      return 'hertz';
    case 'rpm':
      return 'rotrpm';
    case 'boolean':
      return 'bool_yes_no';
    case 'count':
    case 'none':
      return 'short';
  }
}

/** Seconds per second are a share of time, joules per second are watts. */
function perSecond(unit: Unit): string {
  switch (unit) {
    case 'bytes':
      return 'Bps';
    case 'seconds':
      return 'percentunit';
    case 'joules':
      return 'watt';
    case 'count':
      return 'cps';
    case 'bytes_per_second':
    case 'timestamp_seconds':
    case 'ratio':
    case 'celsius':
    case 'watts':
    case 'hertz':
    case 'rpm':
    case 'boolean':
    case 'none':
      return 'short';
  }
}
