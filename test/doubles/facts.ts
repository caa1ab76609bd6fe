// Recorded machines step by step, against the facts worked out by hand beside them in facts.json.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as v from 'valibot';
import { expect } from 'vitest';
import { isAgentMetricId, type Area } from '#agent/contract';
import type { Collector } from '../../agent/collectors/collector.ts';
import { readAll, startReading, type Reading } from './reading.ts';
import { layStep } from './steps.ts';

const fixtures = join(import.meta.dirname, '../fixtures');

const factsSchema = v.object({
  about: v.string(),
  /** Whole steps or the reason of the absence by `metric{label=text,…}`; null where there is no such series. */
  steps: v.array(v.object({ values: v.record(v.string(), v.nullable(v.string())) })),
});

export function machinesOf(area: Area): readonly string[] {
  return readdirSync(join(fixtures, area));
}

/** Lays each step over one root, as a kernel changes its files in place, and compares. */
export async function expectFacts(collector: Collector, machine: string): Promise<void> {
  const directory = join(fixtures, collector.area, machine);
  const facts = v.parse(factsSchema, JSON.parse(readFileSync(join(directory, 'facts.json'), 'utf8')));
  expect(facts.steps.length).toBeGreaterThan(1);
  const root = mkdtempSync(join(tmpdir(), 'whyidle-steps-'));
  try {
    const reading = startReading(collector, root);
    for (const [step, { values }] of facts.steps.entries()) {
      layStep(join(directory, String(step)), root);
      await readAll(reading);
      const found = Object.keys(values).map((fact) => [fact, valueOf(reading, fact)]);
      expect(Object.fromEntries(found), `step ${step}`).toEqual(values);
    }
    await reading.reader.stop();
    expect(reading.lines()).toEqual([]);
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

function valueOf(reading: Reading, fact: string): string | null {
  const [, id = '', text = ''] = /^(\w+)\{(.*)\}$/.exec(fact) ?? [];
  if (!isAgentMetricId(id)) throw new Error(`${fact}: no such metric`);
  const pairs = text === '' ? [] : text.split(',').map((pair) => pair.split('='));
  const labels = Object.fromEntries(pairs.map(([label = '', value = '']) => [label, value]));
  const value = reading.value(id, labels);
  return value === undefined ? null : String(value);
}
