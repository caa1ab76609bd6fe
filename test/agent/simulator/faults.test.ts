// What breaks: a GPU that falls off its bus, memory that wears out, jobs that end with an Xid; told in the kernel log.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { KernelEventReader, parseKmsgRecord } from '../../../agent/parse/gpu/kernel-log.ts';
import { correctedBy, noFaults, planFaults, retiredBy, type FaultPlan } from '../../../agent/simulator/faults.ts';
import { sherlock } from '../../../agent/simulator/hardware.ts';
import { renderRecord } from '../../../agent/simulator/kernel-log.ts';
import { NodeTree } from '../../../agent/simulator/node-tree.ts';
import { SimulatedWorkload, type NodeState } from '../../../agent/simulator/workload.ts';

const directory = mkdtempSync(join(tmpdir(), 'whyidle-faults-'));
afterAll(() => {
  rmSync(directory, { recursive: true });
});

const nodes = sherlock({ seed: 1, nowS: 1_800_000_000 });
const lost: FaultPlan = { ...noFaults, outages: [{ node: 2, gpu: 5, fromS: 90, toS: 600 }] };
const worn: FaultPlan = {
  ...noFaults,
  wornMemory: { node: 9, gpu: 3, firstS: 10, errorEveryS: 20, errorsPerPage: 3 },
};

function after(seconds: number, faults: FaultPlan, stepS = 10): SimulatedWorkload {
  const workload = new SimulatedWorkload(1, nodes, faults);
  for (let timeS = 0; timeS < seconds; timeS += stepS) workload.advance(stepS);
  return workload;
}

function stateOf(workload: SimulatedWorkload, node: number): NodeState {
  const state = workload.states[node];
  if (!state) throw new Error(`no node ${node}`);
  return state;
}

/** Xids as the agent reads them. */
function xidsOf({ kernelLog }: NodeState) {
  const reader = new KernelEventReader();
  return kernelLog.flatMap((record) => {
    const parsed = parseKmsgRecord(renderRecord(record).trimEnd());
    if (!parsed) throw new Error(`no record: ${renderRecord(record)}`);
    const event = reader.read({ timeMs: parsed.sinceBootMs, text: parsed.text });
    return event?.kind === 'xid' ? [event.event] : [];
  });
}

describe('a lost GPU', () => {
  test('shows nothing while it is lost, and is back afterwards', () => {
    expect(stateOf(after(80, lost), 2).gpus[5]?.lost).toBe(false);
    expect(stateOf(after(100, lost), 2).gpus[5]).toMatchObject({ lost: true, busy: 0, powerW: 0, process: undefined });
    expect(after(100, lost).states.flatMap(({ gpus }) => gpus.filter((gpu) => gpu.lost))).toHaveLength(1);
    expect(stateOf(after(600, lost), 2).gpus[5]).toMatchObject({ lost: false });
    expect(stateOf(after(600, lost), 2).gpus[5]?.powerW).toBeGreaterThan(35);
  });

  test('takes its job with it and gets no other one', () => {
    const busy: FaultPlan = { ...noFaults, outages: [{ node: 6, gpu: 0, fromS: 90, toS: 600 }] };
    const jobOn = (workload: SimulatedWorkload) => workload.queue.ownerOf(6, 0);
    const before = jobOn(after(80, busy));
    expect(before?.id).toBe(8812);
    const workload = after(100, busy);
    expect(jobOn(workload)).toBeUndefined();
    expect([...workload.queue.running].map(({ id }) => id)).not.toContain(8812);
    for (let step = 0; step < 49; step++) {
      workload.advance(10);
      expect(jobOn(workload)).toBeUndefined();
    }
  });

  test('is told once, with Xid 79 at its address, at its moment', () => {
    for (const stepS of [1, 10, 50]) {
      const state = stateOf(after(150, lost, stepS), 2);
      const [xid, ...others] = xidsOf(state);
      expect(xid).toMatchObject({ xid: 79, pciBusId: '00000000:86:00.0' });
      expect(xid?.timeMs).toBeCloseTo((state.hardware.upAtStartS + 90) * 1000, 0);
      // The driver’s next line says the same in other words.
      expect(others).toMatchObject([{ xid: 79, implied: true }]);
    }
  });

  test('its energy stands still', () => {
    const energy = (seconds: number): bigint =>
      stateOf(after(seconds, lost), 2).gpuCounters[5]?.energyMillijoules.count ?? 0n;
    expect(energy(500)).toBe(energy(100));
    expect(energy(700)).toBeGreaterThan(energy(500));
  });
});

describe('worn memory', () => {
  test('errors at 10, 30, 50 … s; a page with every third of them', () => {
    const plan = worn.wornMemory;
    if (!plan) throw new Error('no plan');
    expect([0, 9, 10, 29, 30, 50].map((timeS) => correctedBy(plan, timeS))).toEqual([0, 0, 1, 1, 2, 3]);
    expect([49, 50, 109, 110].map((timeS) => retiredBy(plan, timeS))).toEqual([0, 1, 1, 2]);
  });

  test('counts, pages and Xid 63 go together', () => {
    const state = stateOf(after(120, worn), 9);
    const known = state.hardware.gpus[3];
    const counters = state.gpuCounters[3];
    expect(counters?.corrected('aggregate').device_memory).toBe((known?.correctedErrors ?? 0) + 6);
    expect(counters?.retiredPages).toBe((known?.retiredPages ?? 0) + 2);
    expect(counters?.retirementPending).toBe(true);
    expect(xidsOf(state)).toMatchObject([
      { xid: 63, pciBusId: '00000000:3b:00.0' },
      { xid: 63, pciBusId: '00000000:3b:00.0' },
    ]);
    expect(counters?.lastXid).toBe(63);
  });
});

describe('the plan of a seed', () => {
  test('one GPU a day, a few minutes after the start on the first; memory of one; never on the node with the slow drive', () => {
    for (let seed = 1; seed <= 40; seed++) {
      const plan = planFaults(seed, nodes);
      const [first] = plan.outages;
      expect(first?.fromS).toBeGreaterThan(60);
      expect(first?.fromS).toBeLessThan(300);
      expect(new Set(plan.outages.map(({ node, gpu }) => `${node}/${gpu}`)).size).toBe(1);
      for (const [day, { fromS, toS }] of plan.outages.entries()) {
        expect(Math.floor(fromS / 86_400)).toBe(day);
        expect(toS).toBeLessThan((day + 1) * 86_400);
      }
      expect([first?.node, plan.wornMemory?.node]).not.toContain(6);
      expect(planFaults(seed, nodes)).toEqual(plan);
    }
    expect(planFaults(1, nodes)).not.toEqual(planFaults(2, nodes));
  });

  test('some jobs end with 13 or 31, naming a process that ran on that GPU', () => {
    const workload = new SimulatedWorkload(1, nodes);
    const seen = new Set<number>();
    for (let step = 0; step < 24 * 60; step++) {
      workload.advance(60);
      for (const { gpus } of workload.states) for (const { process } of gpus) if (process) seen.add(process.pid);
    }
    const ended = workload.states.flatMap((state) =>
      xidsOf(state)
        .filter(({ timeMs }) => timeMs > state.hardware.upAtStartS * 1000)
        .filter(({ xid }) => xid === 13 || xid === 31),
    );
    expect(new Set(ended.map(({ xid }) => xid))).toEqual(new Set([13, 31]));
    expect(new Set(ended.map(({ pid }) => pid)).size).toBeGreaterThan(8);
    expect(new Set(ended.map(({ pid }) => pid)).size).toBeLessThan(60);
    const known = ended.filter(({ pid }) => pid !== undefined && seen.has(pid));
    expect(known.length).toBeGreaterThan(ended.length * 0.9);
  });
});

test('dev/kmsg grows by whole lines, with sequence and time going up', () => {
  const workload = new SimulatedWorkload(1, nodes, lost);
  const tree = new NodeTree(join(directory, 'node03'), stateOf(workload, 2));
  const lines = (): readonly string[] => readFileSync(join(tree.root, 'dev/kmsg'), 'utf8').split('\n').slice(0, -1);
  const before = lines();
  expect(before).toHaveLength(2);
  for (let step = 0; step < 10; step++) {
    workload.advance(10);
    tree.update(stateOf(workload, 2));
  }
  const now = lines();
  tree.close();
  expect(now.slice(0, 2)).toEqual(before);
  expect(now).toHaveLength(6);
  expect(now[4]).toMatch(
    /^4,4,\d+,-;NVRM: Xid \(PCI:0000:86:00\): 79, pid='<unknown>', name=<unknown>, GPU has fallen off the bus\.$/,
  );
  const records = now.map((line) => parseKmsgRecord(line));
  expect(records.map((record) => record?.sequence)).toEqual([0, 1, 2, 3, 4, 5]);
  const times = records.map((record) => record?.sinceBootMs ?? -1);
  expect(times).toEqual(times.toSorted((a, b) => a - b));
});
