// A fabric as the API tells it: two spines, two leaves, four hosts of one adapter each; every leaf has one link to every spine.
import type {
  FabricDeviceView,
  FabricEndView,
  FabricFindingView,
  FabricLinkView,
  FabricView,
  LinkTier,
} from '#server/contract';

export const end = (guid: string, port: number, over: Partial<FabricEndView> = {}): FabricEndView => ({
  guid,
  port,
  state_id: 4,
  physical_state_id: 5,
  transmitted_bytes_per_second: 0,
  utilization_ratio: 0,
  congestion_ratio: 0,
  congestion_ratio_upper: null,
  errors_grown: {},
  ...over,
});

export const link = (tier: LinkTier, ends: readonly [FabricEndView, FabricEndView]): FabricLinkView => ({
  tier,
  speed: '4X EDR',
  data_rate_bytes_per_second: 12.5e9,
  ends,
  severity: null,
});

export const adapter = (host: string, over: Partial<FabricDeviceView> = {}): FabricDeviceView => ({
  guid: `${host}-hca`,
  kind: 'hca',
  name: `${host} mlx5_0`,
  node: host,
  host,
  tier: 'host',
  level: null,
  lid: 1,
  ports: 1,
  ...over,
});

export const fabricSwitch = (name: string, level: number | null): FabricDeviceView => ({
  guid: name,
  kind: 'switch',
  name,
  node: null,
  host: null,
  tier: level === null ? 'other' : level === 1 ? 'leaf' : 'spine',
  level,
  lid: 1,
  ports: 36,
});

export const finding = (over: Partial<FabricFindingView>): FabricFindingView => ({
  id: 'one',
  kind: 'congestion',
  severity: 'warning',
  ports: [],
  since_ms: 1000,
  text: 'in words',
  ...over,
});

export const devices: readonly FabricDeviceView[] = [
  ...['spine2', 'spine1'].map((name) => fabricSwitch(name, 2)),
  ...['leaf2', 'leaf1'].map((name) => fabricSwitch(name, 1)),
  ...['n1', 'n2', 'n3', 'n4'].map((host) => adapter(host)),
];

/** n1 and n2 at leaf1, n3 and n4 at leaf2; then leaf1–spine1, leaf1–spine2, leaf2–spine1, leaf2–spine2. */
export const links: readonly FabricLinkView[] = [
  link('host', [end('n1-hca', 1), end('leaf1', 1)]),
  link('host', [end('n2-hca', 1), end('leaf1', 2)]),
  link('host', [end('n3-hca', 1), end('leaf2', 1)]),
  link('host', [end('n4-hca', 1), end('leaf2', 2)]),
  link('uplink', [end('leaf1', 33), end('spine1', 1)]),
  link('uplink', [end('leaf1', 34), end('spine2', 1)]),
  link('uplink', [end('leaf2', 33), end('spine1', 2)]),
  link('uplink', [end('leaf2', 34), end('spine2', 2)]),
];

/** The links with the end of one of them changed: 0 is the end nearer to hosts. */
export function changed(at: number, which: 0 | 1, over: Partial<FabricEndView>): readonly FabricLinkView[] {
  return links.map((one, index) => {
    if (index !== at) return one;
    const [near, far] = one.ends;
    return { ...one, ends: which === 0 ? [{ ...near, ...over }, far] : [near, { ...far, ...over }] };
  });
}

export const view = (over: Partial<FabricView> = {}): FabricView => ({
  subnet: 'fe80',
  swept_by: 'n1',
  time_ms: 60_000,
  age_seconds: 2,
  stale: false,
  sweep_seconds: 1,
  topology_changes: 0,
  coverage: {
    devices: 8,
    links: 8,
    silent: 0,
    adapters: 4,
    adapters_with_agent: 4,
    ports: 16,
    ports_with_counters: 16,
    problems: [],
  },
  devices,
  links,
  findings: [],
  ...over,
});
