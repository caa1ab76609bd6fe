// docs/metrics.md: every metric with its unit, labels, source and meaning, from the catalogue.
import {
  absenceReasons,
  areas,
  catalogue,
  hasNodeLabel,
  metricName,
  rowOf,
  type Area,
  type Lane,
  type MetricId,
  type Unit,
} from '#agent/contract';
import { leafClasses, leaves } from '#server/contract';

const headings: Readonly<Record<Area, string>> = {
  gpu: 'GPUs',
  infiniband: 'InfiniBand',
  block: 'Disks',
  nvme: 'NVMe controllers',
  mounts: 'Mounts',
  nfs: 'NFS',
  lustre: 'Lustre',
  gpfs: 'GPFS',
  gds: 'GPUDirect Storage',
  cpu: 'CPU',
  memory: 'Memory',
  pressure: 'Pressure',
  network: 'Network',
  host: 'The host',
  pcie: 'PCIe errors',
  edac: 'Memory errors',
  hwmon: 'Temperatures and fans',
  process: 'Processes of GPUs',
  jobs: 'Jobs',
  agent: 'The agent',
  verdict: 'Verdicts',
  fabric: 'InfiniBand fabrics',
  server: 'The server',
};

const lanes: Readonly<Record<Lane, string>> = {
  fast: '1 s',
  medium: '5–10 s',
  slow: '30–60 s',
  inventory: 'start, 5 min',
  server: 'server',
};

export function renderMetricsPage(): string {
  return [introduction(), ...areas.flatMap(renderArea), renderClasses()].join('\n\n');
}

function introduction(): string {
  const ids = metricIds();
  return `<!-- Made by npm run generate from agent/contract. -->

# Metrics

All ${ids.length} metrics whyidle exports, on \`/metrics\`, \`/metrics/node/NAME\`, an agent’s own page and \`whyidle sample --format prom\`. A name is never given a second meaning.

- Units are base units and the last word of a name; \`_total\` marks counters; ratios are 0–1; an info metric is always 1 and carries its facts as labels.
- Every series about a node carries the label \`node\` besides the labels listed; \`–\` marks those that have none because they speak of the server or the whole fleet.
- A counter of a device shows the device’s own count and falls when the device resets it. What whyidle counts itself starts at 0 with the process.
- A value that is not there has no series. What should be there and is not stands in [\`${metricName('unavailable')}\`](#${'agent' satisfies Area}) with its reason: ${absenceReasons.map(code).join(', ')}.
- “Read” says how often a value is read; “server” means derived there, so an agent’s own page does not have it.`;
}

function renderArea(area: Area): readonly string[] {
  const ids = metricIds().filter((id) => rowOf(id).area === area);
  if (ids.length === 0) return [];
  return [
    `<a id="${area}"></a>\n\n## ${headings[area]}`,
    table(['metric', 'kind', 'unit', 'labels', 'meaning', 'source', 'read'], ids.map(cells)),
  ];
}

function cells(id: MetricId): readonly string[] {
  const row = rowOf(id);
  const labels = [...(hasNodeLabel(id) ? [] : ['–']), ...row.labels.map(code)];
  return [
    code(metricName(id)),
    row.kind,
    unitText(row.unit),
    labels.join(', '),
    row.help,
    row.source.replaceAll('|', '\\|').replaceAll('*', '\\*'),
    lanes[row.lane],
  ];
}

function renderClasses(): string {
  const rows = leafClasses.map((name) => [code(name), leaves[name].title, leaves[name].owner]);
  return `## Classes

The values of \`class\` in \`${metricName('gpu_state')}\` and \`${metricName('gpu_state_seconds_total')}\`. Every GPU-millisecond is in exactly one; \`owner\` is who can change it, here by default.

${table(['class', 'a GPU that …', 'owner'], rows)}
`;
}

function metricIds(): readonly MetricId[] {
  return Object.keys(catalogue) as MetricId[]; // the keys of a const record are its own
}

function unitText(unit: Unit): string {
  switch (unit) {
    case 'none':
      return '';
    case 'boolean':
      return '0 or 1';
    case 'timestamp_seconds':
      return 'seconds since 1970';
    case 'bytes_per_second':
      return 'bytes/s';
    case 'bytes':
    case 'seconds':
    case 'ratio':
    case 'celsius':
    case 'watts':
    case 'joules':
    case 'hertz':
    case 'rpm':
    case 'count':
      return unit;
  }
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (entries: readonly string[]): string => `| ${entries.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

function code(text: string): string {
  return `\`${text}\``;
}
