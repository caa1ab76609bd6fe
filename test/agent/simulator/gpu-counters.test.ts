// The counts of GPUs: sums of what their levels showed, never falling, the same for the same seed.
import { describe, expect, test } from 'vitest';
import { noFaults } from '../../../agent/simulator/faults.ts';
import { GpuCounters, eccTotal } from '../../../agent/simulator/gpu-counters.ts';
import { throttle } from '../../../agent/simulator/gpu-model.ts';
import { sherlock, type GpuHardware } from '../../../agent/simulator/hardware.ts';
import { NVLINK_BYTES_PER_S, nvlinksOf } from '../../../agent/simulator/nvlink.ts';
import { PCIE_BYTES_PER_S } from '../../../agent/simulator/pcie-traffic.ts';
import { SimulatedWorkload, type NodeState } from '../../../agent/simulator/workload.ts';

const NOW_S = 1_800_000_000;

function simulate(seed: number): SimulatedWorkload {
  return new SimulatedWorkload(seed, sherlock({ seed, nowS: NOW_S }), noFaults);
}

function countsOf({ gpuCounters }: NodeState): readonly bigint[] {
  return gpuCounters.flatMap((one) => [
    one.energyMillijoules.count,
    one.pcieTxBytes.count,
    one.pcieRxBytes.count,
    one.throttledNs.swPowerCap.count,
    one.throttledNs.swThermal.count,
    ...one.links.flatMap(({ txBytes, rxBytes }) => [txBytes.count, rxBytes.count]),
  ]);
}

describe('one hour in steps of a second', () => {
  const workload = simulate(1);
  const start = workload.states.map((state) => state.gpuCounters.map((one) => one.energyMillijoules.count));
  const joules = workload.states.map((state) => state.gpus.map(() => 0));
  const throttledS = workload.states.map((state) => state.gpus.map(() => ({ power: 0, heat: 0 })));
  const before = workload.states.map(({ gpuCounters }) =>
    gpuCounters.map((one) => [one.throttledNs.swPowerCap.count, one.throttledNs.swThermal.count] as const),
  );
  let monotone = true;
  let counts = workload.states.map(countsOf);
  for (let second = 0; second < 3600; second++) {
    workload.advance(1);
    const now = workload.states.map(countsOf);
    monotone &&= now.every((node, index) => node.every((count, at) => count >= (counts[index]?.[at] ?? 0n)));
    counts = now;
    for (const [node, state] of workload.states.entries()) {
      for (const [gpu, { powerW, throttleMask }] of state.gpus.entries()) {
        const [energy, time] = [joules[node], throttledS[node]?.[gpu]];
        if (!energy || !time) throw new Error('no such GPU');
        energy[gpu] = (energy[gpu] ?? 0) + powerW;
        if (throttleMask & throttle.swPowerCap) time.power++;
        if (throttleMask & throttle.swThermal) time.heat++;
      }
    }
  }

  test('no count falls', () => {
    expect(monotone).toBe(true);
  });

  test('energy is the integral of power', () => {
    for (const [node, { gpuCounters }] of workload.states.entries()) {
      for (const [gpu, one] of gpuCounters.entries()) {
        const gained = Number(one.energyMillijoules.count - (start[node]?.[gpu] ?? 0n)) / 1000;
        expect(gained).toBeCloseTo(joules[node]?.[gpu] ?? -1, 1);
      }
    }
  });

  test('throttle time is the time in which the mask had its bit, some for power and some for heat', () => {
    const gained = workload.states.map(({ gpuCounters }, node) =>
      gpuCounters.map(({ throttledNs }, gpu) => {
        const [power = 0n, heat = 0n] = before[node]?.[gpu] ?? [];
        return {
          power: Number(throttledNs.swPowerCap.count - power) / 1e9,
          heat: Number(throttledNs.swThermal.count - heat) / 1e9,
        };
      }),
    );
    expect(gained).toEqual(throttledS);
    const all = throttledS.flat();
    expect(all.some(({ power }) => power > 0)).toBe(true);
    expect(all.some(({ heat }) => heat > 0)).toBe(true);
  });
});

describe('traffic', () => {
  const day = (() => {
    const workload = simulate(1);
    return Array.from({ length: 24 }, () => {
      for (let step = 0; step < 12; step++) workload.advance(300);
      return { states: workload.states, paces: [...workload.paces.values()] };
    });
  })();

  test('no link and no slot carries more than it can', () => {
    for (const { states } of day) {
      for (const { pcie, nvlink } of states.flatMap(({ gpus }) => gpus)) {
        for (const bytes of [...nvlink.tx, ...nvlink.rx]) expect(bytes).toBeLessThan(NVLINK_BYTES_PER_S);
        expect(Math.max(pcie.txBytesPerS, pcie.rxBytesPerS)).toBeLessThanOrEqual(PCIE_BYTES_PER_S);
      }
    }
  });

  test('what one end of a link sends, the other receives', () => {
    let carried = 0;
    for (const state of day.flatMap(({ states }) => states.filter((one) => one.hardware.platform.name === 'hgx1'))) {
      for (const [gpu, ends] of nvlinksOf('hgx1').entries()) {
        for (const [link, end] of ends.entries()) {
          if (end.kind !== 'gpu') throw new Error('a mesh has no switches');
          const sent = state.gpus[gpu]?.nvlink.tx[link];
          expect(state.gpus[end.gpu]?.nvlink.rx[end.link]).toBe(sent);
          carried += sent ?? 0;
        }
      }
    }
    expect(carried).toBeGreaterThan(1e9);
  });

  test('a job on one GPU sends nothing over NVLink; one that waits for its network sends as much there as over InfiniBand', () => {
    let lone = 0;
    let bound = 0;
    for (const { states, paces } of day) {
      for (const { job, phase } of paces) {
        const gpus = job.places.flatMap(({ node, gpus: own }) => own.flatMap((gpu) => states[node]?.gpus[gpu] ?? []));
        const sums = gpus.map(({ nvlink }) => nvlink.tx.reduce((sum, bytes) => sum + bytes, 0));
        if (gpus.length === 1) {
          lone++;
          expect(sums).toEqual([0]);
        }
        if (job.kind !== 'communication_bound' || phase !== 'run') continue;
        bound++;
        for (const sum of sums) expect(sum).toBeGreaterThan(15e9);
        for (const { pcie } of gpus) expect(pcie.rxBytesPerS).toBeGreaterThan(2e9);
      }
    }
    expect(lone).toBeGreaterThan(100);
    expect(bound).toBeGreaterThan(3);
  });

  test('a starved job loads less over PCIe than it would', () => {
    const found = day.flatMap(({ states, paces }) =>
      paces
        .filter(({ phase, limit, job }) => phase === 'run' && limit === 'shared_storage' && job.places.length === 1)
        .map((pace) => ({
          pace,
          gpu: states[pace.job.places[0]?.node ?? -1]?.gpus[pace.job.places[0]?.gpus[0] ?? -1],
        })),
    );
    expect(found.length).toBeGreaterThan(5);
    for (const { pace, gpu } of found) {
      const decoded = pace.job.needs.readBytesPerS * 4.5;
      expect(gpu?.pcie.rxBytesPerS).toBeLessThan(decoded * pace.speed + 4e6);
      expect(gpu?.pcie.rxBytesPerS).toBeGreaterThan(decoded * pace.speed);
    }
  });

  test('profiling: engine as busy as the GPU, SMs below it; a job that spins has few SMs active and no more tensor work than its share', () => {
    const shares = (spins: boolean): readonly number[] =>
      day.flatMap(({ states, paces }) =>
        paces
          .filter(
            ({ phase, job, limit }) => phase === 'run' && limit === 'none' && job.needs.exposedComm > 0.3 === spins,
          )
          .flatMap(({ job }) => job.places.flatMap(({ node, gpus }) => gpus.map((gpu) => states[node]?.gpus[gpu])))
          .flatMap((gpu) => (gpu ? [gpu.profiling.smActive / gpu.profiling.graphicsEngineActive] : [])),
      );
    const [spinning, computing] = [shares(true), shares(false)];
    expect(Math.max(...spinning)).toBeLessThan(0.7);
    expect(Math.min(...computing)).toBeGreaterThan(0.5);
    for (const { busy, memoryActive, profiling } of day.flatMap(({ states }) => states.flatMap(({ gpus }) => gpus))) {
      expect(profiling.graphicsEngineActive).toBe(busy);
      expect(profiling.smActive).toBeLessThanOrEqual(busy);
      expect(profiling.smOccupancy).toBeLessThanOrEqual(profiling.smActive);
      expect(profiling.tensorActive).toBeLessThanOrEqual(profiling.smActive);
      expect(profiling.dramActive).toBeLessThanOrEqual(memoryActive);
      for (const share of Object.values(profiling)) expect(share).toBeGreaterThanOrEqual(0);
    }
  });
});

test('the same seed gives the same counts, another one others', () => {
  const [one, same, other] = [simulate(3), simulate(3), simulate(4)];
  for (const workload of [one, same, other]) for (let step = 0; step < 50; step++) workload.advance(1);
  expect(one.states.map(countsOf)).toEqual(same.states.map(countsOf));
  expect(one.states.map(countsOf)).not.toEqual(other.states.map(countsOf));
});

test('ECC: known errors are the board’s, a quarter of them since the driver was loaded; wear comes on top', () => {
  const hardware: GpuHardware = {
    ...{ index: 0, uuid: 'GPU-0', serial: '0', bus: 6, numaNode: 0, clockShare: 1, thermalResistance: 0.13, cpus: [] },
    correctedErrors: 10,
    retiredPages: 1,
  };
  const counters = new GpuCounters(1, 'node01', hardware);
  expect(counters.corrected('aggregate')).toMatchObject({ device_memory: 10, l2_cache: 0, cbu: 0 });
  expect(counters.corrected('volatile').device_memory).toBe(2);
  expect([counters.retiredPages, counters.retirementPending]).toEqual([1, false]);
  counters.wear(80, 2);
  expect(counters.corrected('aggregate')).toMatchObject({ device_memory: 90, l2_cache: 2 });
  expect(eccTotal(counters.corrected('aggregate'))).toBe(92);
  expect(counters.corrected('volatile').device_memory).toBe(82);
  expect([counters.retiredPages, counters.retirementPending]).toEqual([3, true]);
});
