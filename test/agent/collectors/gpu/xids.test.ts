// Counting of Xids: what is one event and what are two, whose they are, and what a flooded log can do.
import { beforeEach, describe, expect, it } from 'vitest';
import { Xids } from '../../../../agent/collectors/gpu/xids.ts';
import type { GpuIdentity } from '../../../../agent/parse/gpu/sheet.ts';
import type { SxidEvent, XidEvent } from '../../../../agent/parse/gpu/xid-event.ts';
import { Snapshot } from '../../../../agent/snapshot.ts';
import type { LoggedEvent } from '../../../../agent/sources/kernel-log.ts';

const AT_5 = '00000000:05:00.0';
const AT_6 = '00000000:06:00.0';
const gpu0: GpuIdentity = { gpu: '0', uuid: 'GPU-a', pci_bus_id: AT_5 };
const gpu1: GpuIdentity = { gpu: '1', uuid: 'GPU-b', pci_bus_id: AT_6 };

let nowMs: number;
let snapshot: Snapshot;
let xids: Xids;

beforeEach(() => {
  nowMs = 0;
  snapshot = new Snapshot();
  xids = new Xids({ snapshot, monotonicMs: () => nowMs });
  xids.setIdentities([gpu0, gpu1]);
});

const event = (xid: number, more: Partial<XidEvent> = {}): XidEvent => ({
  ...{ pciBusId: AT_5, uuid: '', xid, timeMs: 1_790_000_000_000 + nowMs, pid: undefined, source: 'kernel_log' },
  ...more,
});
const fromLog = (xid: number, more: Partial<XidEvent> = {}, isHistory = false): number =>
  xids.addFromLog([{ kind: 'xid', event: event(xid, more), isHistory }]).length;
const fromNvml = (xid: number, more: Partial<XidEvent> = {}): number =>
  xids.addFromNvml([event(xid, { uuid: 'GPU-a', source: 'nvml', ...more })]).length;
const sxid = (one: Partial<SxidEvent>, isHistory = false): LoggedEvent => ({
  ...{ kind: 'sxid', isHistory },
  event: { nvswitch: '0', sxid: 20034, fatal: true, timeMs: 0, ...one },
});
/** `gpu uuid address xid = count at second`. */
const shown = (): readonly string[] => {
  const last = snapshot.series.filter(({ id }) => id === 'gpu_xid_last_timestamp_seconds');
  return snapshot.series
    .filter(({ id }) => id === 'gpu_xid_errors_total')
    .map(({ labels, steps }) => {
      const when = last.find((one) => one.labels.join() === labels.join());
      return `${labels.join(' ')} = ${String(steps)} at ${Number(when?.steps ?? 0) / (when?.row.scale ?? 1) - 1_790_000_000}`;
    });
};
const counted = (): readonly string[] => shown().map((line) => line.replace(/ at .*/, ''));

describe('one event or two', () => {
  it.each([
    ['the log, then NVML', () => [fromLog(79, { pid: 9 }), fromNvml(79)], [1, 0]],
    ['NVML, then the log', () => [fromNvml(79), fromLog(79, { pid: 9 })], [1, 0]],
    ['the log twice', () => [fromLog(31, { pid: 9 }), fromLog(31, { pid: 9 })], [1, 1]],
    ['NVML twice', () => [fromNvml(31), fromNvml(31)], [1, 1]],
    ['both twice', () => [fromLog(31), fromLog(31), fromNvml(31), fromNvml(31)], [1, 1, 0, 0]],
    ['in turn', () => [fromLog(31), fromNvml(31), fromLog(31), fromNvml(31)], [1, 0, 1, 0]],
    [
      'two processes',
      () => [fromLog(31, { pid: 9 }), fromLog(31, { pid: 10 }), fromNvml(31), fromNvml(31)],
      [1, 1, 0, 0],
    ],
    ['two processes, told by each', () => [fromLog(31, { pid: 9 }), fromNvml(31, { pid: 10 })], [1, 1]],
    ['another code', () => [fromLog(31), fromNvml(13)], [1, 1]],
    ['another GPU', () => [fromLog(31), fromNvml(31, { pciBusId: AT_6, uuid: 'GPU-b' })], [1, 1]],
    [
      'off the bus with and without the code',
      () => [fromLog(79), fromLog(79, { implied: true }), fromNvml(79)],
      [1, 0, 0],
    ],
    [
      'off the bus without the code first',
      () => [fromLog(79, { implied: true }), fromLog(79), fromNvml(79)],
      [1, 0, 0],
    ],
    [
      'off the bus without the code, repeated',
      () => [fromLog(79, { implied: true }), fromLog(79, { implied: true })],
      [1, 0],
    ],
  ])('%s', (_, tell, expected) => {
    const isNew = tell();
    expect(isNew).toEqual(expected);
    const total = snapshot.series
      .filter(({ id }) => id === 'gpu_xid_errors_total')
      .reduce((sum, { steps }) => sum + Number(steps), 0);
    expect(total).toBe(expected.reduce((sum, one) => sum + one, 0));
  });

  it('after more than five seconds two sources tell of two events', () => {
    fromLog(79);
    nowMs = 5000;
    expect(fromNvml(79)).toBe(0);
    nowMs = 10_001;
    expect(fromNvml(79)).toBe(1);
    expect(counted()).toEqual([`0 GPU-a ${AT_5} 79 = 2`]);
  });

  it('identical ones a second apart count each', () => {
    fromLog(31, { pid: 9 });
    nowMs = 1000;
    fromLog(31, { pid: 9 });
    expect(shown()).toEqual([`0 GPU-a ${AT_5} 31 = 2 at 1`]);
  });
});

describe('what was there before us', () => {
  it('is dated and not counted', () => {
    expect(fromLog(48, { timeMs: 1_789_999_000_000 }, true)).toBe(0);
    expect(shown()).toEqual([`0 GPU-a ${AT_5} 48 = 0 at -1000`]);
    nowMs = 2000;
    fromLog(48);
    expect(shown()).toEqual([`0 GPU-a ${AT_5} 48 = 1 at 2`]);
  });

  it('without a date has a count and no date', () => {
    fromLog(48, { timeMs: Number.NaN }, true);
    const dates = snapshot.series.filter(({ id }) => id === 'gpu_xid_last_timestamp_seconds');
    expect(dates.map(({ state }) => state)).not.toContain(0);
    nowMs = 3000;
    fromLog(48);
    expect(shown()).toEqual([`0 GPU-a ${AT_5} 48 = 1 at 3`]);
  });
});

describe('whose it is', () => {
  it('a GPU that nobody has named keeps its address until it is', () => {
    xids.setIdentities([]);
    fromLog(31);
    fromLog(31);
    expect(counted()).toEqual([`  ${AT_5} 31 = 2`]);
    xids.setIdentities([gpu0]);
    expect(counted()).toEqual([`0 GPU-a ${AT_5} 31 = 2`]);
  });

  it('a GPU that vanished keeps its name, also when the others move up', () => {
    fromLog(79);
    xids.setIdentities([{ ...gpu1, gpu: '0' }]);
    nowMs = 60_000;
    fromLog(79);
    fromLog(31, { pciBusId: AT_6 });
    expect(counted().toSorted()).toEqual([`0 GPU-a ${AT_5} 79 = 2`, `0 GPU-b ${AT_6} 31 = 1`]);
  });

  it('another index is another name of the same counts', () => {
    fromLog(31, { pciBusId: AT_6 });
    xids.setIdentities([{ ...gpu1, gpu: '7' }]);
    expect(counted()).toEqual([`7 GPU-b ${AT_6} 31 = 1`]);
  });

  it('another GPU in the same slot begins anew', () => {
    fromLog(31);
    xids.setIdentities([{ ...gpu0, uuid: 'GPU-c' }]);
    expect(counted()).toEqual([]);
    nowMs = 10_000;
    fromLog(31);
    expect(counted()).toEqual([`0 GPU-c ${AT_5} 31 = 1`]);
  });

  it('NVML may know the UUID alone', () => {
    fromNvml(31, { pciBusId: '' });
    expect(counted()).toEqual([`0 GPU-a ${AT_5} 31 = 1`]);
    xids.setIdentities([]);
    fromNvml(43, { pciBusId: '', uuid: 'GPU-z' });
    expect(counted()).toContain(' GPU-z  43 = 1');
    xids.setIdentities([{ gpu: '2', uuid: 'GPU-z', pci_bus_id: '00000000:07:00.0' }]);
    expect(counted()).toContain('2 GPU-z 00000000:07:00.0 43 = 1');
  });

  it('nobody’s at all is nothing', () => {
    expect(fromNvml(31, { pciBusId: '', uuid: '' })).toBe(0);
    expect(shown()).toEqual([]);
  });
});

describe('NVSwitches', () => {
  const sxids = (): readonly string[] =>
    snapshot.series
      .filter(({ id }) => id === 'nvswitch_sxid_errors_total')
      .map(({ labels, steps }) => `${labels.join(' ')} = ${String(steps)}`);

  it('count by switch, code and severity', () => {
    xids.addFromLog([sxid({}), sxid({}), sxid({ fatal: false }), sxid({ nvswitch: '5', sxid: 12028 }, true)]);
    expect(sxids().toSorted()).toEqual(['0 20034 false = 1', '0 20034 true = 2', '5 12028 true = 0']);
  });

  it('are bounded', () => {
    xids.addFromLog(Array.from({ length: 5000 }, (_, index) => sxid({ sxid: index })));
    expect(sxids().length).toBeLessThanOrEqual(256);
  });
});

describe('a hostile log', () => {
  it('makes no more than 64 codes of a GPU, and what is known goes on', () => {
    for (let xid = 1000; xid < 3000; xid++) fromLog(xid);
    expect(counted()).toHaveLength(64);
    nowMs = 10_000;
    fromLog(1000);
    expect(counted()).toContain(`0 GPU-a ${AT_5} 1000 = 2`);
  });

  it('makes no more than 64 GPUs, and leaves room for those that are there', () => {
    for (let bus = 0; bus < 4000; bus++) fromLog(31, { pciBusId: `${bus.toString(16).padStart(8, '0')}:01:00.0` });
    expect(counted().length).toBeLessThanOrEqual(66);
    fromLog(31, { pciBusId: AT_6 });
    expect(counted()).toContain(`1 GPU-b ${AT_6} 31 = 1`);
  });
});

it('leaves nothing behind', () => {
  fromLog(31);
  xids.addFromLog([sxid({})]);
  expect(snapshot.series.length).toBeGreaterThan(0);
  xids.stop();
  expect(snapshot.series).toEqual([]);
});
