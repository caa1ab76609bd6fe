// About ourselves: what could not be read, and what reading costs.
import { rowsOf, type MetricRow } from './row.ts';

const { counter, gauge, info } = rowsOf('agent');
const area = ['area'] as const;

export const selfRows = {
  build_info: info({
    labels: ['version', 'commit', 'runtime'],
    help: 'What this program is',
    title: 'Build',
    source: 'own',
  }),
  unavailable: info({
    labels: ['area', 'device', 'name', 'reason'],
    help: 'A quantity that should be here and is not; name is the metric without prefix, empty for a whole device',
    title: 'Unavailable',
    source: 'own',
    lane: 'fast',
  }),
  collector_up: gauge('boolean', {
    labels: area,
    help: 'The last reading of the area succeeded',
    title: 'Collector up',
    source: 'own',
  }),
  collector_seconds: gauge('seconds', {
    labels: area,
    help: 'Length of the last reading of the area',
    title: 'Collector time',
    source: 'own',
    scale: 1_000_000,
  }),
  collector_overruns_total: counter('count', {
    labels: area,
    help: 'Ticks the area was late for',
    title: 'Overruns',
    source: 'own',
  }),
  collector_timeouts_total: counter('count', {
    labels: area,
    help: 'Readings given up',
    title: 'Timeouts',
    source: 'own',
  }),
  agent_cpu_seconds_total: counter('seconds', {
    labels: ['process'],
    help: 'CPU time of the agent',
    title: 'Agent CPU',
    source: 'own',
    scale: 1_000_000,
  }),
  agent_memory_bytes: gauge('bytes', {
    labels: ['process'],
    help: 'Resident memory of the agent',
    title: 'Agent memory',
    source: 'own',
  }),
  agent_spool_bytes: gauge('bytes', {
    help: 'Frames that the server has not acknowledged, in memory and on disk',
    title: 'Spool',
    source: 'own',
  }),
  agent_spool_oldest_timestamp_seconds: gauge('timestamp_seconds', {
    help: 'When the oldest frame was read that the server has not acknowledged; of the newest while there is none',
    title: 'Oldest in spool',
    source: 'own',
    scale: 1000,
  }),
  agent_frames_total: counter('count', { help: 'Frames produced', title: 'Frames', source: 'own' }),
  agent_frames_dropped_total: counter('count', {
    labels: ['reason'],
    help: 'Frames lost and recorded as gaps',
    title: 'Frames lost',
    source: 'own',
  }),
} as const satisfies Record<string, MetricRow>;
