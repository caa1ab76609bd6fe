// The drive or port behind a finding, with its figure beside that of its peers.
import type { GpuJudgement } from '../diagnosis/judge.ts';
import { disksOf } from '../diagnosis/live/node-reader.ts';
import type { Derived } from '../derived/derived.ts';
import type { Fleet } from '../fleet/fleet.ts';
import type { FindDevice } from './book.ts';

/** A drive this much slower than the middle of its peers is the culprit. */
const SLOWER = 2;

export function deviceFinder(fleet: Fleet, derived: Derived): FindDevice {
  return ({ node: name, verdict }: GpuJudgement) => {
    const node = fleet.node(name);
    if (!node || verdict.cause !== 'storage.nvme') return undefined;
    const disks = [...disksOf(node, derived)].sort((a, b) => b.seconds - a.seconds);
    const [worst, ...peers] = disks;
    if (!worst) return undefined;
    const middle = peers[Math.floor(peers.length / 2)]?.seconds ?? NaN;
    if (peers.length > 0 && !(worst.seconds >= SLOWER * middle)) return undefined;
    const against = Number.isNaN(middle)
      ? { kind: 'before' as const, value: worst.quietSeconds }
      : { kind: 'peers' as const, value: middle };
    return { device: worst.device, figures: [{ signal: 'storage_latency', value: worst.seconds, against }] };
  };
}
