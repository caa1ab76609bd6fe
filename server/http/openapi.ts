// The description of /api/v1, by hand: what exists in this version. OpenAPI 3.1.
import { fabricKinds } from '#agent/contract';
import {
  alertKinds,
  causeNames,
  confidences,
  deviceTiers,
  findingKinds,
  findingSeverities,
  incidentSeverities,
  leafClasses,
  linkTiers,
  outageKinds,
  owners,
  queryResolutions,
} from '#server/contract';
import { build } from '../build.ts';

type Json = Readonly<Record<string, unknown>>;

const text: Json = { type: 'string' };
const number: Json = { type: 'number' };
const integer: Json = { type: 'integer' };
const flag: Json = { type: 'boolean' };
const maybe = (schema: Json): Json => ({ anyOf: [schema, { type: 'null' }] });
const list = (items: Json): Json => ({ type: 'array', items });
const ref = (name: string): Json => ({ $ref: `#/components/schemas/${name}` });
const perClass: Json = { type: 'object', propertyNames: { enum: leafClasses }, additionalProperties: number };

/** Every property is always there; what is missing is null. */
function record(properties: Readonly<Record<string, Json>>): Json {
  return { type: 'object', required: Object.keys(properties), properties };
}

const node = {
  name: text,
  up: flag,
  last_sample_ms: maybe(integer),
  clock_offset_seconds: maybe(number),
  agent_version: text,
  product: text,
  gpus: integer,
  disks: integer,
  infiniband_ports: integer,
  classes: perClass,
  cpu_busy_ratio: maybe(number),
  disk_read_bytes_per_second: maybe(number),
  disk_written_bytes_per_second: maybe(number),
  infiniband_bytes_per_second: maybe(number),
  missing: list(ref('Unavailable')),
  gpu_reader: maybe(ref('GpuReader')),
};

const gpu = {
  node: text,
  gpu: text,
  uuid: text,
  pci_bus_id: text,
  name: text,
  class: { enum: leafClasses },
  owner: { enum: owners },
  since_ms: integer,
  cause: maybe({ enum: causeNames }),
  confidence: maybe({ enum: confidences }),
  effective_ratio: maybe(number),
  job_id: maybe(text),
  user: maybe(text),
  utilization_ratio: maybe(number),
  memory_used_bytes: maybe(number),
  memory_total_bytes: maybe(number),
  power_watts: maybe(number),
  temperature_celsius: maybe(number),
  processes: maybe(integer),
  outage: maybe(ref('Outage')),
};

const range = {
  from_ms: integer,
  to_ms: integer,
  resolution: { enum: queryResolutions },
  step_ms: integer,
  engine: { enum: ['journal', 'history', 'external'] },
  since_ms: maybe(integer),
};

const job = {
  id: text,
  display_id: text,
  array_job_id: maybe(text),
  user: text,
  account: text,
  partition: text,
  name: text,
  kind: { enum: ['batch', 'notebook', 'service'] },
  scheduler: { enum: ['slurm', 'kubernetes', 'container', 'none'] },
  state: text,
  start_ms: integer,
  end_ms: maybe(integer),
  nodes: maybe(integer),
  requested_gpus: integer,
  time_limit_seconds: maybe(number),
  restarts: integer,
  gpus: list(record({ node: text, uuid: text })),
  unknown_gpus: integer,
  classes: perClass,
};

const incident = {
  id: text,
  cause: { enum: causeNames },
  title: text,
  owner: { enum: owners },
  severity: { enum: incidentSeverities },
  confidence: { enum: confidences },
  state: { enum: ['open', 'ended'] },
  since_ms: integer,
  ended_ms: maybe(integer),
  job_id: maybe(text),
  user: maybe(text),
  nodes: list(text),
  gpus: list(record({ node: text, gpu: text, uuid: text })),
  culprit: maybe(record({ node: text, gpu: maybe(text), device: maybe(text), cause: maybe({ enum: causeNames }) })),
  lost_gpu_seconds: number,
  loss_ratio: number,
  predicted_speedup: number,
  next_limit: maybe(text),
  evidence: list(ref('Figure')),
  ruled_out: list(ref('Figure')),
  advice: text,
  text,
};

const schemas: Readonly<Record<string, Json>> = {
  Error: record({
    error: { type: 'object', required: ['code', 'message'], properties: { code: text, message: text, hint: text } },
  }),
  Coverage: record({ nodes: integer, nodes_up: integer, gpus: integer, gpus_reporting: integer }),
  Attribution: record({
    gpus: integer,
    attributed: integer,
    problem: maybe(text),
    reasons: list(record({ reason: text, gpus: integer, nodes: list(text) })),
    text,
  }),
  Funnel: record({
    capacity: integer,
    reporting: integer,
    healthy: integer,
    allocated: integer,
    active: integer,
    productive: integer,
  }),
  Storage: record({
    disks: integer,
    capacity_bytes: maybe(number),
    read_bytes_per_second: maybe(number),
    written_bytes_per_second: maybe(number),
    filesystems: integer,
    filesystem_size_bytes: maybe(number),
    filesystem_avail_bytes: maybe(number),
  }),
  Infiniband: record({
    ports: integer,
    ports_active: integer,
    received_bytes_per_second: maybe(number),
    transmitted_bytes_per_second: maybe(number),
  }),
  Unavailable: record({ area: text, device: text, name: text, reason: text }),
  Sample: record({ metric: text, labels: { type: 'object', additionalProperties: text }, value: number }),
  Outage: record({ kind: { enum: outageKinds }, reason: text, since_ms: integer, text }),
  GpuReader: record({
    backend: text,
    profiling: text,
    gpus_seen: maybe(integer),
    gpus_expected: maybe(integer),
    outage: maybe(ref('Outage')),
  }),
  Node: record(node),
  Gpu: record(gpu),
  Alert: record({
    id: text,
    kind: { enum: alertKinds },
    severity: { enum: ['warning', 'critical'] },
    state: { enum: ['pending', 'firing'] },
    node: text,
    gpu: maybe(text),
    uuid: maybe(text),
    since_ms: integer,
    text,
  }),
  Fleet: record({
    schema_version: integer,
    cluster: text,
    time_ms: integer,
    coverage: ref('Coverage'),
    attribution: ref('Attribution'),
    funnel: ref('Funnel'),
    classes: perClass,
    booked_seconds: perClass,
    storage: ref('Storage'),
    infiniband: ref('Infiniband'),
    store: {
      anyOf: [
        record({ ok: { const: true } }),
        record({ ok: { const: false }, since_ms: integer, reason: text, message: text }),
      ],
    },
  }),
  Nodes: record({ schema_version: integer, coverage: ref('Coverage'), nodes: list(ref('Node')) }),
  Gpus: record({ schema_version: integer, coverage: ref('Coverage'), gpus: list(ref('Gpu')) }),
  Figure: record({
    signal: text,
    title: text,
    text,
    value: number,
    against: maybe(record({ kind: { enum: ['before', 'peers', 'ceiling', 'limit'] }, value: number, text })),
  }),
  Job: record(job),
  Jobs: record({
    schema_version: integer,
    coverage: ref('Coverage'),
    attribution: ref('Attribution'),
    jobs: list(ref('Job')),
    pending: list(
      record({
        id: text,
        display_id: text,
        user: text,
        account: text,
        partition: text,
        name: text,
        requested_gpus: integer,
        gpu_type: text,
        reason: text,
      }),
    ),
    planned: list(record({ node: text, state: text, reason: text })),
  }),
  JobAnswer: record({
    schema_version: integer,
    ...job,
    runs: list(record({ start_ms: integer, end_ms: maybe(integer), state: text })),
    held_gpu_seconds: number,
    gpu_seconds: perClass,
  }),
  Users: record({
    schema_version: integer,
    coverage: ref('Coverage'),
    users: list(record({ user: text, jobs: integer, gpus: integer, classes: perClass })),
  }),
  Gap: record({ node: text, from_ms: integer, to_ms: integer, readings: integer, reason: text }),
  Query: record({
    schema_version: integer,
    metric: text,
    unit: text,
    kind: { enum: ['gauge', 'counter'] },
    ...range,
    series: list({ type: 'object' }),
    gaps: list(ref('Gap')),
  }),
  NodeCharts: record({
    schema_version: integer,
    node: text,
    ...range,
    times_ms: list(integer),
    charts: list({ type: 'object' }),
    gaps: list(ref('Gap')),
  }),
  Ledger: record({
    schema_version: integer,
    from_ms: integer,
    to_ms: integer,
    by: list(text),
    total_gpu_seconds: number,
    currency: maybe(text),
    rows: list(
      record({
        by: { type: 'object', additionalProperties: text },
        gpu_seconds: number,
        ratio: number,
        cost: maybe(number),
      }),
    ),
  }),
  Verdicts: record({
    schema_version: integer,
    from_ms: integer,
    slot_ms: integer,
    slots: integer,
    classes: list(text),
    gpus: list(record({ node: text, gpu: text, uuid: text })),
    raster: text,
  }),
  Incident: record(incident),
  Incidents: record({ schema_version: integer, coverage: ref('Coverage'), incidents: list(ref('Incident')) }),
  IncidentAnswer: record({ schema_version: integer, ...incident }),
  Alerts: record({ schema_version: integer, coverage: ref('Coverage'), alerts: list(ref('Alert')) }),
  FabricDevice: record({
    guid: text,
    kind: { enum: fabricKinds },
    name: text,
    node: maybe(text),
    host: maybe(text),
    tier: { enum: deviceTiers },
    level: maybe(integer),
    lid: maybe(integer),
    ports: integer,
  }),
  FabricEnd: record({
    guid: text,
    port: integer,
    state_id: maybe(integer),
    physical_state_id: maybe(integer),
    transmitted_bytes_per_second: maybe(number),
    utilization_ratio: maybe(number),
    congestion_ratio: maybe(number),
    congestion_ratio_upper: maybe(number),
    errors_grown: { type: 'object', additionalProperties: number },
  }),
  FabricLink: record({
    tier: { enum: linkTiers },
    speed: text,
    data_rate_bytes_per_second: maybe(number),
    ends: { ...list(ref('FabricEnd')), minItems: 2, maxItems: 2 },
    severity: maybe({ enum: findingSeverities }),
  }),
  FabricFinding: record({
    id: text,
    kind: { enum: findingKinds },
    severity: { enum: findingSeverities },
    ports: list(record({ guid: text, port: integer, node: maybe(text), name: text })),
    since_ms: maybe(integer),
    text,
  }),
  Fabric: record({
    subnet: text,
    swept_by: text,
    time_ms: integer,
    age_seconds: number,
    stale: flag,
    sweep_seconds: number,
    topology_changes: integer,
    coverage: record({
      devices: integer,
      links: integer,
      silent: integer,
      adapters: integer,
      adapters_with_agent: integer,
      ports: integer,
      ports_with_counters: integer,
      problems: list(text),
    }),
    devices: list(ref('FabricDevice')),
    links: list(ref('FabricLink')),
    findings: list(ref('FabricFinding')),
  }),
  Fabrics: record({ schema_version: integer, coverage: ref('Coverage'), fabrics: list(ref('Fabric')) }),
  GpuAnswer: record({ schema_version: integer, ...gpu }),
  NodeDetail: record({
    schema_version: integer,
    ...node,
    inventory: { type: 'object' },
    gpu_list: list(ref('Gpu')),
    samples: list(ref('Sample')),
    unavailable: list(ref('Unavailable')),
  }),
};

const answer = (description: string, schema: string): Json => ({
  description,
  content: { 'application/json': { schema: ref(schema) } },
});
const get = (summary: string, schema: string, parameters: readonly Json[] = []): Json => ({
  get: {
    summary,
    parameters,
    responses: {
      200: answer(summary, schema),
      ...(parameters.length > 0 && { 404: answer('Not known here', 'Error') }),
    },
  },
});
const inQuery = (name: string): Json => ({ name, in: 'query', required: false, schema: text });
const inPath = (name: string): Json => ({ name, in: 'path', required: true, schema: text });

export const openApi: Json = {
  openapi: '3.1.0',
  info: { title: 'whyidle', version: build.version },
  paths: {
    '/api/v1/fleet': get('The whole fleet in one object', 'Fleet'),
    '/api/v1/nodes': get('All nodes', 'Nodes'),
    '/api/v1/nodes/{name}': get('One node with every reading', 'NodeDetail', [inPath('name')]),
    '/api/v1/gpus': get('All GPUs', 'Gpus'),
    '/api/v1/gpus/{uuid}': get('One GPU', 'GpuAnswer', [
      inPath('uuid'),
      { name: 'node', in: 'query', required: false, schema: text },
    ]),
    '/api/v1/fabric': get('InfiniBand subnets that some agent sweeps', 'Fabrics'),
    '/api/v1/jobs': get('Jobs that run, and those of the last day', 'Jobs'),
    '/api/v1/jobs/{id}': get('One job', 'JobAnswer', [inPath('id')]),
    '/api/v1/users': get('Users with running jobs', 'Users'),
    '/api/v1/query': get('Readings of one metric over time', 'Query', [
      inQuery('metric'),
      inQuery('labels'),
      inQuery('from'),
      inQuery('to'),
      inQuery('step'),
    ]),
    '/api/v1/nodes/{name}/charts': get('The charts of a node over any range', 'NodeCharts', [
      inPath('name'),
      inQuery('from'),
      inQuery('to'),
      inQuery('step'),
    ]),
    '/api/v1/ledger': get('Where GPU time went', 'Ledger', [inQuery('from'), inQuery('to'), inQuery('by')]),
    '/api/v1/verdicts': get('The class of every GPU and 10-s slot', 'Verdicts', [inQuery('from'), inQuery('to')]),
    '/api/v1/incidents': get('Causes that cost GPU time, with culprit, victims and evidence', 'Incidents'),
    '/api/v1/incidents/{id}': get('One incident', 'IncidentAnswer', [inPath('id')]),
    '/api/v1/alerts': get('What somebody should look at', 'Alerts'),
  },
  components: { schemas },
};
