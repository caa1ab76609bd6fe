import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  array,
  counter,
  elementAt,
  encode,
  i32,
  struct,
  text,
  u32,
  u64,
} from '../../../agent/simulator/render/binary-layout.ts';
import { nvmlFunctions } from '../../../agent/simulator/render/nvml-functions.ts';
import { nvmlGpu, nvmlHeader, nvmlStateLayout, type NvmlGpu } from '../../../agent/simulator/render/nvml-layout.ts';
import { NvmlStateFile } from '../../../agent/simulator/render/nvml-state.ts';

const SECOND = 1_000_000_000n;

describe('binary layout', () => {
  const pair = struct('pair', { small: u32, big: u64 });
  const record = struct('record', { name: text(5), number: i32, pairs: array(pair, 2), count: counter });

  it('lays fields out as a C compiler does', () => {
    expect(pair.offsets).toEqual({ small: 0, big: 8 });
    expect(pair.size).toBe(16);
    expect(record.offsets).toEqual({ name: 0, number: 8, pairs: 16, count: 48 });
    expect(record.size).toBe(64);
    expect(elementAt(record.fields.pairs, 1)).toBe(16);
  });

  it('writes what is known and marks what is not', () => {
    const bytes = encode(record, { name: 'toolong', pairs: [{ small: 7 }] });
    expect(bytes.toString('latin1', 0, 5)).toBe('tool\0');
    expect(bytes.readInt32LE(8)).toBe(-(2 ** 31));
    expect(bytes.readUInt32LE(16)).toBe(7);
    expect(bytes.readBigUInt64LE(24)).toBe(2n ** 64n - 1n);
    expect(bytes.readUInt32LE(32)).toBe(0xffff_ffff);
    expect(bytes.readDoubleLE(48)).toBeNaN();
    expect(bytes.readDoubleLE(56)).toBe(0);
  });

  it('asks for the count of each counter at its place', () => {
    const asked: number[] = [];
    const bytes = encode(record, { count: { from: 5, perSecond: 3 } }, (at, { from }) => {
      asked.push(at);
      return from + 100;
    });
    expect(asked).toEqual([48]);
    expect([bytes.readDoubleLE(48), bytes.readDoubleLE(56)]).toEqual([105, 3]);
  });
});

describe("NVML's state file", () => {
  const one: NvmlGpu = {
    uuid: 'GPU-1',
    name: 'one',
    busId: '00000000:01:00.0',
    energyMj: { from: 1000, perSecond: 50 },
  };
  const two: NvmlGpu = { ...one, uuid: 'GPU-2', name: 'two', energyMj: { from: 0, perSecond: 10 } };
  let directory: string;
  let nowNs: bigint;
  let state: NvmlStateFile;

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'whyidle-state-'));
    nowNs = 100n * SECOND;
    state = new NvmlStateFile(join(directory, 'nvml-state'), [one, two], { nowNs: () => nowNs, wallMs: () => 5000 });
  });
  afterEach(() => {
    state.close();
    rmSync(directory, { recursive: true });
  });

  const header = (field: keyof typeof nvmlHeader.offsets): number => at(nvmlHeader.offsets[field]).readUInt32LE();
  const at = (offset: number): Buffer => readFileSync(state.path).subarray(offset);
  const gpuAt = (index: number, field: keyof typeof nvmlGpu.offsets): Buffer =>
    at(nvmlStateLayout.offsets.gpus + nvmlGpu.size * index + nvmlGpu.offsets[field]);
  const energyAt = (index: number): readonly number[] => {
    const bytes = gpuAt(index, 'energyMj');
    return [bytes.readDoubleLE(0), bytes.readDoubleLE(8)];
  };
  const loadsAt = (index: number): readonly (readonly [bigint, number])[] =>
    [0, 1, 2].map((moment) => {
      const bytes = gpuAt(index, 'history').subarray((nvmlGpu.fields.history.size / 16) * moment);
      return [bytes.readBigUInt64LE(0), bytes.readUInt32LE(8)];
    });

  it('is as long as its layout, its sequence even after every writing', () => {
    expect(readFileSync(state.path)).toHaveLength(nvmlStateLayout.size);
    expect(header('gpuCount')).toBe(2);
    const before = header('sequence');
    expect(before % 2).toBe(0);
    state.update([one]);
    expect(header('sequence')).toBe(before + 2);
    expect(header('gpuCount')).toBe(1);
  });

  it('lets counters run on while their start stays', () => {
    nowNs += 2n * SECOND;
    state.change(0, { energyMj: { from: 1000, perSecond: 500 } });
    expect(energyAt(0)).toEqual([1100, 500]);
    nowNs += SECOND;
    state.update([one, two]);
    expect(energyAt(0)).toEqual([1600, 50]);
    state.change(0, { energyMj: { from: 7, perSecond: 50 } });
    expect(energyAt(0)).toEqual([7, 50]);
  });

  it('keeps counters by GPU, not by place', () => {
    nowNs += 3n * SECOND;
    state.update([two]);
    expect(gpuAt(0, 'uuid').toString('latin1', 0, 5)).toBe('GPU-2');
    expect(energyAt(0)).toEqual([30, 10]);
  });

  it('remembers when the load changed', () => {
    state.change(0, { levels: { gpuPercent: 40 } });
    nowNs += SECOND;
    state.change(0, { temperature: 50 });
    state.change(0, { levels: { gpuPercent: 90 } });
    const none = 0xffff_ffff;
    expect(loadsAt(0)).toEqual([
      [101n * SECOND, 90],
      [100n * SECOND, 40],
      [100n * SECOND, none],
    ]);
  });

  it('keeps the wall clock of its beginning, and a frozen clock only where asked', () => {
    nowNs += SECOND;
    state.tick();
    expect(at(nvmlHeader.offsets.wallUs).readBigUInt64LE()).toBe(5_000_000n);
    expect(at(nvmlHeader.offsets.monotonicNs).readBigUInt64LE()).toBe(100n * SECOND);
    expect(at(nvmlHeader.offsets.frozenNs).readBigUInt64LE()).toBe(0n);
  });

  it('refuses more GPUs than it has room for', () => {
    expect(() => {
      state.update(Array.from({ length: 17 }, () => one));
    }).toThrow(RangeError);
  });

  it('counts no calls of its own', () => {
    expect(state.calls('nvmlInit_v2')).toBe(0);
  });
});

describe('functions of NVML', () => {
  it('are named once each, and none sets, resets or clears', () => {
    expect(new Set(nvmlFunctions).size).toBe(nvmlFunctions.length);
    const harmful = nvmlFunctions.filter((name) =>
      /Device(Set|Reset|Clear|Freeze|Modify|Remove|Power|Workload)|SetFanSpeed/.test(name),
    );
    expect(harmful).toEqual([]);
  });
});
