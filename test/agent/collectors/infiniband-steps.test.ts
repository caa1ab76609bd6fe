// The InfiniBand fixtures step by step, against the facts worked out by hand beside them.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as v from 'valibot';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { isAgentMetricId } from '#agent/contract';
import { infiniband } from '../../../agent/collectors/infiniband.ts';
import { readAll, startReading, type Reading } from '../../doubles/reading.ts';
import { layStep } from '../../doubles/steps.ts';

const fixtures = join(import.meta.dirname, '../../fixtures/infiniband');
const factsSchema = v.object({
  steps: v.array(v.object({ values: v.record(v.string(), v.nullable(v.string())) })),
});
let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'whyidle-steps-'));
});
afterEach(() => {
  rmSync(root, { recursive: true, force: true });
});

it.each(readdirSync(fixtures))('%s', async (machine) => {
  const facts = v.parse(factsSchema, JSON.parse(readFileSync(join(fixtures, machine, 'facts.json'), 'utf8')));
  expect(facts.steps.length).toBeGreaterThan(1);
  const reading = startReading(infiniband, root);
  for (const [step, { values }] of facts.steps.entries()) {
    layStep(join(fixtures, machine, String(step)), root);
    await readAll(reading);
    const found = Object.keys(values).map((fact) => [fact, textOf(reading, fact)]);
    expect(Object.fromEntries(found), `step ${step}`).toEqual(values);
  }
});

/** `metric{label=text,…}` → what the reading says of it, null if it has no such series. */
function textOf(reading: Reading, fact: string): string | null {
  const match = /^(\w+)\{(.*)\}$/.exec(fact);
  const id = match?.[1] ?? '';
  if (!isAgentMetricId(id)) throw new Error(`${fact}: no such metric`);
  const pairs = (match?.[2] ?? '').split(',').map((pair) => pair.split('='));
  const labels = Object.fromEntries(pairs.map(([label = '', text = '']) => [label, text]));
  const value = reading.value(id, labels);
  return value === undefined ? null : String(value);
}
