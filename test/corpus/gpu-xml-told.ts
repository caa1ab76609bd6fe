// What a recording of `nvidia-smi -q -x` says, in the words that its facts are written in.
import { expect } from 'vitest';
import { isAgentMetricId, type AgentMetricId } from '#agent/contract';
import { parseSmiXml, type SmiXml } from '../../agent/parse/gpu/smi-xml.ts';
import { having, told } from './gpu-corpus.ts';

export const MIB = 1048576;
export const MHZ = 1e6;

/** Metrics without labels of one GPU, by its place. */
type Facts = readonly [gpu: number, facts: Readonly<Partial<Record<AgentMetricId, number | string>>>];

export function whole(text: string, source: string): SmiXml {
  const xml = parseSmiXml(text, source);
  expect(xml.isWhole).toBe(true);
  return xml;
}

export function expectFacts({ sheets }: SmiXml, ...all: readonly Facts[]): void {
  for (const [gpu, facts] of all) {
    const sheet = sheets[gpu];
    const seen = Object.keys(facts).map((id) => [id, isAgentMetricId(id) && told(sheet, id)]);
    expect(Object.fromEntries(seen)).toEqual(facts);
  }
}

export const throttled = ({ sheets }: SmiXml, gpu = 0) => having(sheets[gpu], 'gpu_throttle_active', 1);
export const powerCap = ({ sheets }: SmiXml, gpu: number) =>
  told(sheets[gpu], 'gpu_throttle_seconds_total', { reason: 'sw_power_cap' });
export const clock = ({ sheets }: SmiXml, domain: string) => told(sheets[0], 'gpu_clock_hertz', { domain });
export const thresholds = ({ sheets }: SmiXml) =>
  ['shutdown', 'slowdown', 'max_operating', 'memory_max'].map((kind) =>
    told(sheets[0], 'gpu_temperature_threshold_celsius', { kind }),
  );
