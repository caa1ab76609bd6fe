// The figures that a verdict is weighed by, whatever it is: shown as what speaks for it, and as what was ruled out. Pure.
import type { Cause } from '#server/contract';
import type { Features } from './features.ts';
import type { Evidence } from './verdict.ts';

/** What each figure speaks of, and from where on it would matter. */
const weighed: readonly {
  readonly signal: string;
  readonly causes: readonly Cause[];
  readonly from: number;
  readonly valueOf: (features: Features) => number;
}[] = [
  {
    signal: 'workers_blocked',
    causes: ['storage', 'storage.nvme', 'storage.network'],
    from: 0.4,
    valueOf: ({ blocked }) => blocked,
  },
  { signal: 'workers_waiting', causes: ['cpu.exhausted'], from: 0.1, valueOf: ({ waiting }) => waiting },
  { signal: 'host_cpu', causes: ['cpu.exhausted'], from: 0.9, valueOf: ({ node }) => node.hostCpu },
  { signal: 'workers_slack', causes: ['cpu.too_few_workers'], from: -1, valueOf: ({ slack }) => slack },
  { signal: 'pcie_load', causes: ['h2d.pcie', 'link_degraded'], from: 0.18, valueOf: ({ copies }) => copies },
  { signal: 'nvlink_load', causes: ['nvlink'], from: 0.12, valueOf: ({ nvlink }) => nvlink },
  { signal: 'infiniband_load', causes: ['ib.bandwidth'], from: 0.12, valueOf: ({ infiniband }) => infiniband },
  { signal: 'port_wait', causes: ['ib.congestion'], from: 0.12, valueOf: ({ portWait }) => portWait },
  {
    signal: 'clock',
    causes: ['clocks_locked', 'thermal', 'power_cap', 'power_brake'],
    from: -1,
    valueOf: ({ mean }) => mean.clockHz,
  },
  { signal: 'temperature', causes: ['thermal'], from: Infinity, valueOf: ({ mean }) => mean.temperatureC },
];

/** Figures that would be others if this were the cause. */
export function ruledOut(features: Features, cause: Cause): readonly Evidence[] {
  return weighed.flatMap(({ signal, causes, from, valueOf }) => {
    const value = valueOf(features);
    if (causes.includes(cause) || Number.isNaN(value)) return [];
    if (signal === 'workers_slack') return value > 0.12 ? [{ signal, value }] : [];
    if (signal === 'clock') {
      return features.clock > 0.9
        ? [{ signal, value, against: { kind: 'ceiling' as const, value: features.facts.clockMaxHz } }]
        : [];
    }
    return value < from ? [{ signal, value }] : [];
  });
}

/** What would hold the GPU back next, and how far it would get until then: its share of a step, 0–1. */
export function nextLimit(
  features: Features,
  cause: Cause,
): { readonly signal: string; readonly share: number } | undefined {
  const { effective, running, waiting, blocked, copies, communication } = features;
  const stages: readonly { readonly signal: string; readonly share: number; readonly of: readonly Cause[] }[] = [
    { signal: 'storage', share: blocked, of: ['storage', 'storage.nvme', 'storage.network'] },
    { signal: 'CPU', share: running + waiting, of: ['cpu.exhausted', 'cpu.too_few_workers'] },
    { signal: 'PCIe', share: copies, of: ['h2d.pcie', 'link_degraded'] },
    {
      signal: 'communication',
      share: communication,
      of: ['nvlink', 'ib.bandwidth', 'ib.congestion', 'rail_imbalance', 'link_degraded'],
    },
  ];
  const others = stages.filter(({ of, share }) => !of.includes(cause) && share > effective);
  return others.reduce<(typeof stages)[number] | undefined>(
    (worst, one) => (worst && worst.share >= one.share ? worst : one),
    undefined,
  );
}
