// What the fabric carries and what is wrong with it, by hand: two nodes in two racks, one job over both.
import { describe, expect, test } from 'vitest';
import {
  errorsOf,
  noFabricFaults,
  planFabricFaults,
  type FabricFaults,
  type PortErrors,
} from '../../../../agent/simulator/fabric/faults.ts';
import { FabricModel, type FabricPortView } from '../../../../agent/simulator/fabric/model.ts';
import { buildFabric } from '../../../../agent/simulator/fabric/topology.ts';
import { sherlock } from '../../../../agent/simulator/hardware.ts';
import { draftDiskReader } from '../../../../agent/simulator/jobs.ts';
import type { Pace } from '../../../../agent/simulator/pace.ts';
import type { Place } from '../../../../agent/simulator/queue.ts';
import { SimulatedWorkload } from '../../../../agent/simulator/workload.ts';

const PORT = 12.5e9;
const nodes = sherlock({ seed: 1, nowS: 1_800_000_000 });
const fabric = buildFabric(1, nodes);
const EIGHT = [0, 1, 2, 3, 4, 5, 6, 7];

/** A job whose ports want this share of their rate. */
function jobOn(places: readonly Place[], fabricLoad: number): Pace {
  const job = draftDiskReader(1, 8);
  const needs = { ...job.needs, fabricLoad, fabricWait: 0, exposedComm: 0.4 };
  const running = { ...job, needs, startS: 0, endS: 1e6, places };
  return { job: running, phase: 'run', speed: 1, limit: 'none', progress: 1, fabric: 1 };
}

const acrossRacks = [
  { node: 8, gpus: EIGHT },
  { node: 12, gpus: EIGHT },
];

function portsOf(model: FabricModel): readonly FabricPortView[] {
  return model.ports(() => undefined);
}

function cableOf(node: number, hca: number): number {
  return fabric.cableAt({ device: fabric.adapter(node, hca), port: 1 }) ?? -1;
}

describe('traffic', () => {
  test('what an adapter sends comes out at its peer, and goes through leaf, spine and leaf', () => {
    const model = new FabricModel(1, nodes);
    const before = portsOf(model).map(({ counters }) => counters.txWords.whole);
    const shares = model.advance([jobOn(acrossRacks, 0.5)], 10, 1);
    expect([...shares.values()]).toEqual([1]);
    const [sender, receiver] = [nodes[8], nodes[12]].map((node) => (node ? model.portLoads(node) : []));
    for (const rail of [0, 1, 2, 3]) {
      const sent = sender?.[rail]?.txBytesPerS ?? 0;
      expect(sent).toBeGreaterThan(0.93 * 0.5 * PORT);
      expect(sent).toBeLessThan(1.07 * 0.5 * PORT);
      expect(receiver?.[rail]?.rxBytesPerS).toBe(sent);
    }
    expect(sender?.[4]?.txBytesPerS).toBe(300);
    // Four flows each way: two leaves and a spine each send one on, besides what is idle.
    const loaded = portsOf(model).filter(
      ({ counters }, index) => (counters.txWords.whole - (before[index] ?? 0)) * 4 > 0.4 * PORT,
    );
    expect(loaded).toHaveLength(8 * 3);
  });

  test('within a rack nothing goes up', () => {
    const model = new FabricModel(1, nodes);
    const before = new Map(portsOf(model).map((port) => [port, port.counters.txWords.whole]));
    model.advance([jobOn([{ node: 8, gpus: EIGHT }, { node: 9, gpus: EIGHT }], 0.5)], 10, 1); // prettier-ignore
    for (const [port, words] of before)
      if (port.end.port >= 17) expect(port.counters.txWords.whole - words).toBeLessThanOrEqual(75);
  });

  test('two flows on one uplink share it, and it counts the time they wait', () => {
    const leaf = fabric.cables[cableOf(8, 0)]?.ends[1].device ?? -1;
    const healthy = new FabricModel(1, nodes);
    const crowded = new FabricModel(1, nodes, { ...noFabricFaults, crowdedLeaves: [leaf] });
    expect([...healthy.advance([jobOn(acrossRacks, 0.75)], 10, 1).values()]).toEqual([1]);
    // Two flows of 0.75 each, give or take the noise of 6 %, of 0.97.
    const [share = 0] = crowded.advance([jobOn(acrossRacks, 0.75)], 10, 1).values();
    expect(share).toBeGreaterThan(0.97 / 1.5 / 1.06);
    expect(share).toBeLessThan(0.97 / 1.5 / 0.94);
    const waits = portsOf(crowded).filter(({ end }) => end.device === leaf && end.port >= 17);
    const before = portsOf(new FabricModel(1, nodes)).filter(({ end }) => end.device === leaf && end.port >= 17);
    const grown = waits.map(
      ({ counters }, index) => counters.waitTicks.whole - (before[index]?.counters.waitTicks.whole ?? 0),
    );
    // A third of a second and more, in ticks of 8 bytes.
    expect(grown.filter((ticks) => ticks > 0.33 * (PORT / 8))).toHaveLength(2);
    expect(grown.filter((ticks) => ticks === 0)).toHaveLength(6);
    expect(nodes[8] && crowded.portLoads(nodes[8])[0]?.waitShare).toBeGreaterThan(0.09);
  });

  test('a slow link slows the ring that goes over it', () => {
    const slowLink = { cable: cableOf(12, 2), state: { up: true, lanes: 2, laneGigabits: 25.78125 } };
    const model = new FabricModel(1, nodes, { ...noFabricFaults, slowLink });
    const [share = 0] = model.advance([jobOn(acrossRacks, 0.75)], 10, 1).values();
    expect(share).toBeGreaterThan(0.97 / 1.5 / 1.06);
    expect(share).toBeLessThan(0.97 / 1.5 / 0.94);
    const flow = nodes[8] && model.portLoads(nodes[8])[2];
    expect(flow?.txBytesPerS).toBeLessThan(0.5 * PORT);
  });

  test('a link that is down stops the job that needs it', () => {
    const flapping = { cable: cableOf(8, 1), firstS: 5, everyS: 3600, forS: 10 };
    const model = new FabricModel(1, nodes, { ...noFabricFaults, flapping });
    expect([...model.advance([jobOn(acrossRacks, 0.5)], 6, 1).values()]).toEqual([0]);
    expect([...model.advance([jobOn(acrossRacks, 0.5)], 16, 1).values()]).toEqual([1]);
  });
});

describe('faults', () => {
  const flapping = { cable: cableOf(8, 1), firstS: 100, everyS: 3600, forS: 8 };
  const badCable = { cable: fabric.cables.findIndex(({ tier }) => tier === 'uplink'), fromS: 0 };
  const faults: FabricFaults = { ...noFabricFaults, flapping, badCable };

  const none: PortErrors = { symbol_error: 0, link_error_recovery: 0, link_downed: 0, port_rcv_errors: 0 };
  const errorsAt = (cable: number, timeS: number): readonly PortErrors[] =>
    ([0, 1] as const).map((side) => errorsOf(faults, { cable, side, timeS, before: none }));

  test('a bad cable: symbol errors grow at both ends, now and then it recovers', () => {
    const [early, late] = [errorsAt(badCable.cable, 60), errorsAt(badCable.cable, 3660)];
    expect(early).toHaveLength(2);
    // 0.42 and 0.12 a second for an hour, counted in bunches of five; one recovery in 430 s.
    const grown = late.map(({ symbol_error }, side) => symbol_error - (early[side]?.symbol_error ?? 0));
    expect(Math.abs((grown[0] ?? 0) - 1512)).toBeLessThanOrEqual(5);
    expect(Math.abs((grown[1] ?? 0) - 432)).toBeLessThanOrEqual(5);
    expect(late.map(({ link_error_recovery }) => link_error_recovery)).toEqual([8, 8]);
  });

  test('its errors never fall', () => {
    let before = 0;
    for (let timeS = 1; timeS < 200; timeS++) {
      const [{ symbol_error } = { symbol_error: -1 }] = errorsAt(badCable.cable, timeS);
      expect(symbol_error).toBeGreaterThanOrEqual(before);
      before = symbol_error;
    }
  });

  test('a flapping link goes down once an hour, counted at both ends', () => {
    const before = errorsAt(flapping.cable, 99).map(({ link_downed }) => link_downed);
    expect(errorsAt(flapping.cable, 100).map(({ link_downed }) => link_downed)).toEqual(before.map((n) => n + 1));
    expect(errorsAt(flapping.cable, 3700).map(({ link_downed }) => link_downed)).toEqual(before.map((n) => n + 2));
    const stateAt = (timeS: number): readonly boolean[] => {
      const model = new FabricModel(1, nodes, faults);
      model.advance([], timeS, 1);
      const node = nodes[8];
      return node ? model.portHealth(node).map(({ link }) => link.up) : [];
    };
    expect(stateAt(99)[1]).toBe(true);
    expect(stateAt(100)[1]).toBe(false);
    expect(stateAt(107.9)[1]).toBe(false);
    expect(stateAt(108)[1]).toBe(true);
    expect(stateAt(3703).filter((up) => !up)).toHaveLength(1);
  });

  test('every seed has one of each, never on the node that looks', () => {
    for (let seed = 1; seed <= 40; seed++) {
      const own = buildFabric(seed, sherlock({ seed, nowS: 1_800_000_000 }));
      const plan = planFabricFaults(seed, own);
      const end = (cable: number | undefined): string =>
        own.devices[own.cables[cable ?? -1]?.ends[0].device ?? -1]?.name ?? '';
      expect(end(plan.badCable?.cable)).toMatch(/leaf/);
      expect(end(plan.slowLink?.cable)).toMatch(/^node(?!01)\d\d mlx5_\d$/);
      expect(end(plan.flapping?.cable)).toMatch(/^node(?!01)\d\d mlx5_\d$/);
      expect(plan.flapping?.cable).not.toBe(plan.slowLink?.cable);
      expect(plan.crowdedLeaves).toHaveLength(2);
      expect(planFabricFaults(seed, own)).toEqual(plan);
    }
  });
});

test('a job whose traffic is held back spends more of its time in collectives', () => {
  const crowded = { ...noFabricFaults, crowdedLeaves: [2, 3, 4, 5, 6, 7] };
  const plan = { outages: [], wornMemory: undefined, jobErrors: false, fabric: crowded };
  const [free, held] = [noFabricFaults, crowded].map(
    (one) => new SimulatedWorkload(2, sherlock({ seed: 2, nowS: 1_800_000_000 }), { ...plan, fabric: one }),
  );
  const heldPaces = [...(held?.paces.values() ?? [])].filter(({ fabric: share }) => share < 0.9);
  expect(heldPaces.length).toBeGreaterThan(0);
  for (const { job } of heldPaces)
    for (const { node, gpus } of job.places)
      for (const gpu of gpus) {
        const smActive = (workload: SimulatedWorkload | undefined): number =>
          workload?.states[node]?.gpus[gpu]?.profiling.smActive ?? -1;
        expect(smActive(held)).toBeLessThan(smActive(free));
      }
});
