// Which text format a scraper asks for. RFC 9110 section 12.5.1; Prometheus sends several types with weights.
import type { TextFormat } from '#agent/contract';

export function chooseFormat(accept: string | undefined): TextFormat {
  const weights = { openmetrics: 0, prometheus: 0 };
  for (const part of (accept ?? '').split(',')) {
    const [type = '', ...parameters] = part.split(';').map((word) => word.trim().toLowerCase());
    const format = formatOf(type);
    if (format) weights[format] = Math.max(weights[format], weightOf(parameters));
  }
  return weights.openmetrics > weights.prometheus ? 'openmetrics' : 'prometheus';
}

function formatOf(type: string): TextFormat | undefined {
  if (type === 'application/openmetrics-text') return 'openmetrics';
  return type === 'text/plain' || type === 'text/*' || type === '*/*' ? 'prometheus' : undefined;
}

function weightOf(parameters: readonly string[]): number {
  const weight = Number(parameters.find((one) => one.startsWith('q='))?.slice(2) ?? 1);
  return Number.isNaN(weight) ? 0 : weight;
}
