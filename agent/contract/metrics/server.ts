// What the server derives: verdicts per GPU, the nodes as it sees them, and itself.
import { rowsOf, type MetricRow } from './row.ts';

const verdict = rowsOf('verdict');
const server = rowsOf('server');

/** Rows of series that the server's own writer prints, one set per node. */
export const verdictRows = {
  gpu_state: verdict.gauge('none', {
    labels: ['gpu', 'uuid', 'class'],
    help: 'The class the GPU is in now; one series per GPU',
    title: 'State',
    source: 'diagnosis',
    lane: 'server',
  }),
  gpu_state_seconds_total: verdict.counter('seconds', {
    labels: ['gpu', 'uuid', 'class', 'owner'],
    scale: 1000,
    lane: 'server',
    help: 'Time in each class; over class and owner it adds up to the time since the GPU was first seen',
    title: 'Time in class',
    source: 'ledger',
  }),
  gpu_job_info: verdict.info({
    labels: ['gpu', 'uuid', 'job_id', 'array_job_id', 'user', 'account', 'partition', 'scheduler'],
    help: 'Who was given the GPU',
    title: 'Job',
    source: 'scheduler',
    lane: 'server',
  }),
  gpu_attributed: verdict.gauge('boolean', {
    labels: ['gpu', 'uuid', 'pci_bus_id'],
    help: 'It is known who has the GPU, or that nobody has',
    title: 'Attributed',
    source: 'scheduler',
    lane: 'server',
  }),
  gpu_effective_ratio: verdict.gauge('ratio', {
    labels: ['gpu', 'uuid'],
    help: 'Work by what the GPU could do in this job, corrected for spinning',
    title: 'Effective duty',
    source: 'diagnosis',
    scale: 1000,
    lane: 'server',
  }),
  gpu_verdict_confidence: verdict.gauge('none', {
    labels: ['gpu', 'uuid'],
    help: 'How sure the class of now is: 1 low, 2 medium, 3 high',
    title: 'Confidence',
    source: 'diagnosis',
    lane: 'server',
  }),
  node_up: server.gauge('boolean', { help: 'The node delivers', title: 'Node up', source: 'ingest', lane: 'server' }),
  node_last_sample_timestamp_seconds: server.gauge('timestamp_seconds', {
    help: 'When the newest sample of the node was taken',
    title: 'Last sample',
    source: 'ingest',
    scale: 1000,
    lane: 'server',
  }),
  node_clock_offset_seconds: server.gauge('seconds', {
    help: 'Clock of the node less the clock of the server',
    title: 'Clock offset',
    source: 'ingest',
    scale: 1000,
    lane: 'server',
  }),
} as const satisfies Record<string, MetricRow>;

/** Rows of the server itself, kept in prom-client's registry. */
export const serverRows = {
  ledger_unobserved_seconds_total: server.counter('seconds', {
    help: 'GPU time nobody saw, all GPUs',
    title: 'Unobserved',
    source: 'ledger',
    scale: 1000,
    lane: 'server',
  }),
  attribution_coverage_ratio: server.gauge('ratio', {
    help: 'GPUs of which it is known who has them, by all that are seen',
    title: 'Attribution',
    source: 'scheduler',
    lane: 'server',
  }),
  incidents: server.gauge('count', {
    labels: ['cause', 'owner', 'severity'],
    help: 'Open incidents',
    title: 'Incidents',
    source: 'diagnosis',
    lane: 'server',
  }),
  server_agents: server.gauge('count', {
    help: 'Agents connected now',
    title: 'Agents',
    source: 'own',
    lane: 'server',
  }),
  server_viewers: server.gauge('count', {
    help: 'Browsers connected now',
    title: 'Viewers',
    source: 'own',
    lane: 'server',
  }),
  server_frames_total: server.counter('count', {
    help: 'Frames received',
    title: 'Frames',
    source: 'own',
    lane: 'server',
  }),
  server_frames_rejected_total: server.counter('count', {
    labels: ['reason'],
    help: 'Frames refused',
    title: 'Frames refused',
    source: 'own',
    lane: 'server',
  }),
  server_bytes_total: server.counter('bytes', {
    help: 'Bytes of frames received',
    title: 'Bytes',
    source: 'own',
    lane: 'server',
  }),
  server_gap_seconds_total: server.counter('seconds', {
    labels: ['reason'],
    help: 'Time whose readings are recorded as lost, all nodes',
    title: 'Lost',
    source: 'own',
    scale: 1000,
    lane: 'server',
  }),
  server_journal_bytes: server.gauge('bytes', {
    help: 'Readings as received, on disk',
    title: 'Journal',
    source: 'own',
    lane: 'server',
  }),
  server_history_bytes: server.gauge('bytes', {
    help: 'Minutes and hours, on disk',
    title: 'History',
    source: 'own',
    lane: 'server',
  }),
  server_remote_write_pending_bytes: server.gauge('bytes', {
    help: 'On the way to outside engines, on disk',
    title: 'Remote write queue',
    source: 'own',
    lane: 'server',
  }),
  server_remote_write_samples_total: server.counter('count', {
    labels: ['result'],
    help: 'Samples for outside engines: sent, dropped for want of room, rejected by the engine',
    title: 'Remote write',
    source: 'own',
    lane: 'server',
  }),
} as const satisfies Record<string, MetricRow>;
