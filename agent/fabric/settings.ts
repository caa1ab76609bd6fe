// Settings of the fabric sweeper. One or two hosts of a subnet have it on.
import { durationMs, flagSwitch, type Settings } from '#agent/contract';
import * as v from 'valibot';

export const fabricSettings = {
  'fabric.enabled': {
    schema: flagSwitch,
    default: false,
    flag: 'fabric',
    help: 'also read the InfiniBand subnet that this node can see, with infiniband-diags',
  },
  'fabric.tools': {
    schema: v.pipe(v.string(), v.minLength(1, 'it is empty')),
    default: undefined,
    defaultText: 'the PATH',
    flag: 'fabric-tools',
    argument: 'DIR',
    help: 'where infiniband-diags are',
  },
  'fabric.interval': {
    schema: v.pipe(
      durationMs,
      v.minValue(5000, 'the shortest interval is 5s'),
      v.maxValue(600_000, 'the longest interval is 10m'),
    ),
    default: 10_000,
    defaultText: '10s',
    help: 'time from one reading of states and counters to the next',
  },
  'fabric.topology_interval': {
    schema: v.pipe(
      durationMs,
      v.minValue(10_000, 'the shortest interval is 10s'),
      v.maxValue(86_400_000, 'the longest interval is 1d'),
    ),
    default: 300_000,
    defaultText: '5m',
    help: 'time from one reading of the topology to the next while nothing changes',
  },
} as const satisfies Settings;
