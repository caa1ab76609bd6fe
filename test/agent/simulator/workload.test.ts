// The workload model: the same for the same seed, every GPU in one place, steady from the first moment, cause beside effect.
import { describe, expect, test } from 'vitest';
import { sherlock, type NodeHardware } from '../../../agent/simulator/hardware.ts';
import type { Pace } from '../../../agent/simulator/pace.ts';
import { SimulatedWorkload, type NodeState } from '../../../agent/simulator/workload.ts';

const NOW_S = 1_800_000_000;
const seeds = [1, 2, 3, 4, 5, 6, 7, 8];

function simulate(seed: number, nodes = 16): SimulatedWorkload {
  return new SimulatedWorkload(seed, sherlock({ seed, nowS: NOW_S, nodes }));
}

function fingerprint(workload: SimulatedWorkload): string {
  return JSON.stringify(
    workload.states.map(({ hardware, gpus, load, counters }) => [
      hardware,
      gpus,
      load,
      counters.cpus.map((cpu) => String(cpu.user)),
      counters.ports.map((port) => String(port.rxWords)),
      counters.drives.map((drive) => String(drive.readSectors)),
    ]),
  );
}

/** In steps of up to five minutes: jobs come and go at their own moments all the same. */
function advanceMinutes(workload: SimulatedWorkload, minutes: number): void {
  for (let left = minutes; left > 0; left -= 5) workload.advance(Math.min(left, 5) * 60);
}

describe('the hardware', () => {
  const nodes = sherlock({ seed: 1, nowS: NOW_S });

  test('192 GPUs in four racks, 96 ports, 3 PB of NVMe', () => {
    expect(nodes.map((node) => node.name)).toEqual(
      Array.from({ length: 16 }, (_, index) => `node${String(index + 1).padStart(2, '0')}`),
    );
    expect(nodes.map((node) => node.gpus.length)).toEqual([...Array<number>(8).fill(8), ...Array<number>(8).fill(16)]);
    expect(nodes.map((node) => node.rack)).toEqual(
      ['r1', 'r2', 'r3', 'r4'].flatMap((rack) => Array<string>(4).fill(rack)),
    );
    expect(nodes.flatMap((node) => node.hcas)).toHaveLength(96);
    const bytes = nodes.reduce((sum, node) => sum + node.platform.drive.bytes * node.drives.length, 0);
    expect(bytes).toBeGreaterThan(2.9e15);
    expect(bytes).toBeLessThan(3.1e15);
  });

  test.each([
    ['GPU identifiers', (node: NodeHardware) => node.gpus.map((gpu) => gpu.uuid)],
    ['GPU serials', (node: NodeHardware) => node.gpus.map((gpu) => gpu.serial)],
    ['port identifiers', (node: NodeHardware) => node.hcas.map((hca) => hca.guid)],
    ['local identifiers', (node: NodeHardware) => node.hcas.map((hca) => hca.lid)],
    ['drive serials', (node: NodeHardware) => node.drives.map((drive) => drive.serial)],
  ])('%s are unique in the cluster', (_, read) => {
    const all = nodes.flatMap<string | number>(read);
    expect(new Set(all).size).toBe(all.length);
  });

  test('no two devices of a node share a bus, and every CPU belongs to one GPU and one socket', () => {
    for (const node of nodes) {
      const { management, storage } = node.platform.ethernetBuses;
      const buses = [...node.gpus, ...node.hcas, ...node.drives].map((device) => device.bus);
      expect(new Set([...buses, management, storage]).size).toBe(buses.length + 2);
      const cpus = node.gpus.flatMap((gpu) => gpu.cpus);
      expect(new Set(cpus).size).toBe(node.cpus);
      for (const gpu of node.gpus) {
        for (const cpu of gpu.cpus) expect(node.numaCpus[gpu.numaNode]).toContain(cpu);
      }
    }
  });
});

describe('determinism', () => {
  test('the same seed and steps give the same states', () => {
    const [one, other] = [simulate(5), simulate(5)];
    expect(fingerprint(one)).toBe(fingerprint(other));
    for (let step = 0; step < 100; step++) {
      one.advance(1);
      other.advance(1);
    }
    expect(fingerprint(one)).toBe(fingerprint(other));
  });

  test('another seed gives another cluster', () => {
    expect(fingerprint(simulate(5))).not.toBe(fingerprint(simulate(6)));
  });

  test('the jobs do not depend on the length of the steps', () => {
    const [fine, coarse] = [simulate(2), simulate(2)];
    for (let step = 0; step < 600; step++) fine.advance(1);
    advanceMinutes(coarse, 10);
    const jobs = (workload: SimulatedWorkload): string[] =>
      [...workload.queue.running].map((job) => `${job.id} ${job.startS} ${JSON.stringify(job.places)}`).toSorted();
    expect(jobs(fine)).toEqual(jobs(coarse));
  });
});

describe('the schedule', () => {
  test.each(seeds)('every GPU has at most one job and every job all its GPUs, seed %i', (seed) => {
    const workload = simulate(seed);
    for (let hour = 0; hour < 12; hour++) {
      const held = [...workload.queue.running].flatMap((job) =>
        job.places.flatMap(({ node, gpus }) => gpus.map((gpu) => `${node}/${gpu}`)),
      );
      expect(new Set(held).size).toBe(held.length);
      for (const job of workload.queue.running) {
        expect(job.places.flatMap(({ gpus }) => gpus)).toHaveLength(job.nodes * job.gpusPerNode);
        for (const { node, gpus } of job.places) {
          for (const gpu of gpus) expect(workload.queue.ownerOf(node, gpu)).toBe(job);
        }
      }
      const owned = workload.states.flatMap(({ hardware }) =>
        hardware.gpus.filter((gpu) => workload.queue.ownerOf(hardware.index, gpu.index)),
      );
      expect(owned).toHaveLength(held.length);
      advanceMinutes(workload, 60);
    }
  });

  test('about 600 jobs arrive in a day', () => {
    const workload = simulate(3);
    const newest = (): number => Math.max(...[...workload.queue.running].map((job) => job.id));
    const before = newest();
    advanceMinutes(workload, 24 * 60);
    expect(newest() - before).toBeGreaterThan(500);
    expect(newest() - before).toBeLessThan(700);
  });

  test('a part of the cluster has its share of the jobs', () => {
    const held = seeds.map((seed) => {
      const workload = simulate(seed, 4);
      expect(workload.states).toHaveLength(4);
      return [...workload.queue.running].flatMap((job) => job.places.flatMap(({ gpus }) => gpus)).length;
    });
    const mean = held.reduce((sum, gpus) => sum + gpus, 0) / held.length;
    expect(mean).toBeGreaterThan(16);
    expect(Math.max(...held)).toBeLessThanOrEqual(32);
  });
});

describe('the page looks alive', () => {
  test('busy from the first moment, and over a day, on average', () => {
    for (const seed of seeds) expect(meanBusy(simulate(seed))).toBeGreaterThan(0.4);
    const shares = seeds.flatMap((seed) => {
      const workload = simulate(seed);
      return Array.from({ length: 12 }, () => {
        advanceMinutes(workload, 30);
        return meanBusy(workload);
      });
    });
    const mean = shares.reduce((sum, share) => sum + share, 0) / shares.length;
    expect(mean).toBeGreaterThan(0.6);
    expect(mean).toBeLessThan(0.74);
  });

  test.each(seeds)('some GPUs starve, some are held idle, some are free, seed %i', (seed) => {
    const workload = simulate(seed);
    const limits = [...workload.paces.values()].map((pace) => pace.limit);
    expect(limits).toContain('local_storage');
    expect(new Set(limits).size).toBeGreaterThan(2);
    const idle = [...workload.paces.values()].filter(
      (pace) => pace.phase === 'idle' && pace.job.rhythm.burstEveryS === 0,
    );
    expect(idle.length).toBeGreaterThan(0);
    expect(workload.states.flatMap((state) => state.gpus.filter((gpu) => !gpu.process)).length).toBeGreaterThan(0);
  });

  test('all kinds of jobs come up in a day', () => {
    const workload = simulate(1);
    const kinds = new Set<string>();
    for (let hour = 0; hour < 24; hour++) {
      for (const job of workload.queue.running) kinds.add(job.kind);
      advanceMinutes(workload, 60);
    }
    expect([...kinds].toSorted()).toEqual([
      'communication_bound',
      'cpu_bound',
      'distributed',
      'empty',
      'light',
      'notebook',
      'storage_bound',
      'too_few_workers',
      'training',
    ]);
  });
});

describe('cause beside effect', () => {
  const day = dayOf(1);

  test('a slow drive: its node reads slowly and waits, its peers in the stripe are fast', () => {
    const workload = simulate(1);
    const node = workload.states.find((state) => state.hardware.name === 'node07');
    const waits = node?.load.drives.map((drive) => drive.readWaitS) ?? [];
    expect(waits[2]).toBeGreaterThan(0.02);
    for (const [index, wait] of waits.entries()) if (index !== 2) expect(wait).toBeLessThan(0.001);
    expect(node?.load.pressure.ioSome).toBeGreaterThan(0.2);
    expect(node?.load.blocked).toBeGreaterThan(4);
    expect(meanOf(node, 0, 30, workload)).toBeLessThan(0.8);
  });

  test('starved of CPU: its CPUs are full and the node is under CPU pressure', () => {
    expect(day.filter(({ pace }) => pace.limit === 'cpu').length).toBeGreaterThan(10);
    for (const { pace, state, gpus } of day.filter((one) => one.pace.limit === 'cpu')) {
      expect(state.load.pressure.cpu).toBeGreaterThan(0.35);
      for (const gpu of gpus) {
        const busy = (state.hardware.gpus[gpu]?.cpus ?? []).map((cpu) => busyOf(state, cpu));
        expect(Math.min(...busy.slice(0, -1))).toBeGreaterThan(0.9);
      }
      expect(pace.speed).toBeLessThan(0.8);
    }
  });

  test('too few workers: some CPUs full, others idle, no pressure by it', () => {
    const found = day.filter(({ pace }) => pace.limit === 'workers');
    expect(found.length).toBeGreaterThan(10);
    for (const { state, gpus } of found) {
      for (const gpu of gpus) {
        const busy = (state.hardware.gpus[gpu]?.cpus ?? []).map((cpu) => busyOf(state, cpu));
        expect(Math.max(...busy)).toBeGreaterThan(0.8);
        expect(Math.min(...busy)).toBeLessThan(0.2);
      }
    }
  });

  test('starved by the file server: data come over the network, workers block', () => {
    const found = day.filter(({ pace }) => pace.limit === 'shared_storage');
    expect(found.length).toBeGreaterThan(10);
    for (const { pace, state, gpus } of found) {
      const bytes = pace.job.needs.readBytesPerS * pace.speed * gpus.length;
      expect(state.load.storageNetwork.rxBytesPerS).toBeGreaterThan(bytes * 0.99);
      expect(state.load.pressure.ioSome).toBeGreaterThan(0.1);
      expect(state.load.blocked).toBeGreaterThan(0);
    }
  });

  test('bound by communication: GPUs busy at low power, ports loaded and waiting', () => {
    const found = day.filter(({ pace }) => pace.job.kind === 'communication_bound' && pace.phase === 'run');
    expect(found.length).toBeGreaterThan(4);
    for (const { state, gpus, pace } of found) {
      for (const gpu of gpus) {
        const shown = state.gpus[gpu];
        expect(shown?.busy).toBeGreaterThan(0.9);
        expect(shown?.powerW).toBeLessThan(state.hardware.platform.gpu.powerLimitW * 0.75);
        const port = state.load.ports[Math.floor(gpu / 2)];
        expect(port?.rxBytesPerS).toBeGreaterThan(pace.job.needs.fabricLoad * pace.fabric * 12.5e9 * 0.45);
        expect(port?.waitShare).toBeGreaterThan(0.004);
      }
    }
  });

  test('held but empty: no process, no memory, no power', () => {
    const found = day.filter(({ pace }) => pace.job.kind === 'empty');
    expect(found.length).toBeGreaterThan(4);
    for (const { state, gpus } of found) {
      for (const gpu of gpus) {
        expect(state.gpus[gpu]?.process).toBeUndefined();
        expect(state.gpus[gpu]?.memoryUsedMiB).toBeLessThan(16);
        expect(state.gpus[gpu]?.busy).toBe(0);
        expect(state.gpus[gpu]?.throttleMask).toBe(1);
      }
    }
  });

  test('a notebook between two cells: process and memory, no load', () => {
    const found = day.filter(({ pace }) => pace.phase === 'idle');
    expect(found.length).toBeGreaterThan(20);
    for (const { state, gpus } of found) {
      for (const gpu of gpus) {
        expect(state.gpus[gpu]?.process?.memoryMiB).toBeGreaterThan(300);
        expect(state.gpus[gpu]?.busy).toBe(0);
      }
    }
  });

  test('a checkpoint: GPUs pause while data are written', () => {
    const found = day.filter(({ pace }) => pace.phase === 'checkpoint');
    expect(found.length).toBeGreaterThan(2);
    for (const { state, gpus } of found) {
      for (const gpu of gpus) expect(state.gpus[gpu]?.busy).toBeLessThan(0.05);
      const local = state.load.drives.reduce((sum, drive) => sum + drive.writeBytesPerS, 0);
      expect(local + state.load.storageNetwork.txBytesPerS).toBeGreaterThan(5e7);
    }
  });

  test('a GPU that cools badly: hot, throttled, slower', () => {
    const hot = day.flatMap(({ state }) =>
      state.gpus
        .filter((gpu) => (gpu.throttleMask & 0x20) !== 0)
        .map((gpu) => ({ gpu, model: state.hardware.platform.gpu })),
    );
    expect(hot.length).toBeGreaterThan(0);
    for (const { gpu, model } of hot) {
      expect(gpu.temperatureC).toBeGreaterThan(81);
      expect(gpu.clockMHz).toBeLessThan(model.maxClockMHz);
    }
  });

  test('every value is possible', () => {
    for (const { state } of day) {
      const { gpu: model } = state.hardware.platform;
      for (const gpu of state.gpus) {
        if (gpu.lost) {
          expect(gpu).toMatchObject({ busy: 0, powerW: 0, clockMHz: 0, process: undefined });
          continue;
        }
        expect(gpu.busy).toBeGreaterThanOrEqual(0);
        expect(gpu.busy).toBeLessThanOrEqual(1);
        expect(gpu.memoryActive).toBeLessThanOrEqual(gpu.busy);
        expect(gpu.memoryUsedMiB).toBeLessThan(model.memoryMiB);
        expect(gpu.powerW).toBeGreaterThan(35);
        expect(gpu.powerW).toBeLessThanOrEqual(model.powerLimitW);
        expect(gpu.temperatureC).toBeGreaterThan(25);
        expect(gpu.temperatureC).toBeLessThanOrEqual(84);
        expect(gpu.clockMHz).toBeLessThanOrEqual(model.maxClockMHz);
      }
      for (const cpu of state.load.cpus) expect(cpu.user + cpu.system + cpu.iowait).toBeLessThanOrEqual(1);
      for (const port of state.load.ports) expect(port.txBytesPerS).toBeLessThan(12.5e9);
    }
  });
});

interface Observation {
  readonly pace: Pace;
  readonly state: NodeState;
  readonly gpus: readonly number[];
}

/** Every running job on every node it has, once every half hour of a day. */
function dayOf(seed: number): readonly Observation[] {
  const workload = simulate(seed);
  return Array.from({ length: 48 }, () => {
    advanceMinutes(workload, 30);
    return [...workload.paces.values()].flatMap((pace) =>
      pace.job.places.flatMap(({ node, gpus }) => {
        const state = workload.states[node];
        return state ? [{ pace, state, gpus }] : [];
      }),
    );
  }).flat();
}

function busyOf(state: NodeState, cpu: number): number {
  const load = state.load.cpus[cpu];
  return load ? load.user + load.system : 0;
}

function meanBusy({ states }: SimulatedWorkload): number {
  const gpus = states.flatMap((state) => state.gpus);
  return gpus.reduce((sum, gpu) => sum + gpu.busy, 0) / gpus.length;
}

/** Mean load of one GPU over some seconds. */
function meanOf(node: NodeState | undefined, gpu: number, seconds: number, workload: SimulatedWorkload): number {
  let sum = 0;
  for (let second = 0; second < seconds; second++) {
    workload.advance(1);
    sum += workload.states[node?.hardware.index ?? 0]?.gpus[gpu]?.busy ?? 0;
  }
  return sum / seconds;
}
