// What is said of Xids in the agent's own log.
import { expect, it } from 'vitest';
import { GpuEvents } from '../../../../agent/collectors/gpu/events.ts';
import { noGpuSources } from '../../../../agent/collectors/collector.ts';
import { silentLog } from '../../../../agent/log.ts';
import type { XidEvent } from '../../../../agent/parse/gpu/xid-event.ts';
import { Snapshot } from '../../../../agent/snapshot.ts';
import { Tree } from '../../../../agent/sources/tree.ts';

it('is one line for each code of each GPU, however many come at once', () => {
  const said: unknown[] = [];
  const events = new GpuEvents({
    ...{ tree: new Tree('/nonexistent'), snapshot: new Snapshot(), commands: undefined, gpuSources: noGpuSources },
    ...{ monotonicMs: () => 0, intervalMs: 1000, after: () => () => undefined, gpuProcesses: () => [] },
    log: { ...silentLog, warn: (message, more) => message === 'Xid' && said.push(more) },
  });
  const event = (xid: number, uuid: string): XidEvent => ({
    ...{ pciBusId: '', uuid, xid, timeMs: 0, pid: undefined, source: 'nvml' },
  });
  for (let count = 0; count < 1000; count++) events.take(event(31, 'GPU-a'));
  events.take(event(31, 'GPU-b'));
  events.take(event(79, 'GPU-a'));
  events.read();
  expect(said).toEqual([
    { xid: 31, gpu: 'GPU-a', times: 1000 },
    { xid: 31, gpu: 'GPU-b' },
    { xid: 79, gpu: 'GPU-a' },
  ]);
});
