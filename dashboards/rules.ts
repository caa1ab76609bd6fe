// Prometheus rules: ratios and totals computed beforehand, and alerts that say what to do.
// Naming: level:metric:operations. https://prometheus.io/docs/practices/rules/
import { metricName, type MetricId } from '#agent/contract';
import type { AlertDetails, AlertRule } from './alert-rule.ts';
import { healthRules } from './health-rules.ts';
import { inClasses, series } from './promql.ts';

export interface RecordingRule {
  readonly record: string;
  readonly expr: string;
}

/** Where docs/runbooks is served. A placeholder: put your own place here, or set runbookURLPattern of the mixin. */
const runbooks = 'https://whyidle.example/runbooks/';

const gpu = 'without (class, owner, instance)';
const fleet = 'without (node, gpu, uuid, owner, instance)';
const whole = 'without (class, node, gpu, uuid, owner, instance)';
const gpus = 'without (gpu, uuid, pci_bus_id, instance)';
const booked = (range: string, matcher?: ReturnType<typeof inClasses>): string =>
  `rate(${series('gpu_state_seconds_total', matcher && { class: matcher })}[${range}])`;

const lost = inClasses('starved', 'comm', 'slowed');
const working = inClasses('productive', 'starved', 'comm', 'slowed', 'phase');

export const recordingRules: readonly RecordingRule[] = [
  record('job_class', 'gpu_state', 'sum', `sum ${fleet} (${series('gpu_state')})`),
  record('job_class', 'gpu_state_seconds_total', 'rate5m', `sum ${fleet} (${booked('5m')})`),
  {
    record: 'job:whyidle_gpu_productive:ratio_rate5m',
    expr: `(sum ${whole} (${booked('5m', inClasses('productive'))}) or 0 * sum ${whole} (${booked('5m')})) / sum ${whole} (${booked('5m')})`,
  },
  record('node', 'gpu_utilization_ratio', 'avg', `avg ${gpus} (${series('gpu_utilization_ratio')})`),
  record('node', 'gpu_power_watts', 'sum', `sum ${gpus} (${series('gpu_power_watts')})`),
  nodeRate('disk_read_bytes_total', 'device'),
  nodeRate('disk_written_bytes_total', 'device'),
  trafficOfGpus('gpu_pcie_rx_bytes_total', 'gpu_pcie_rx_bytes_per_second', 'gpu, uuid, pci_bus_id'),
  trafficOfGpus('gpu_nvlink_rx_bytes_total', 'gpu_nvlink_rx_bytes_per_second', 'gpu, uuid, pci_bus_id, link'),
  nodeRate('infiniband_port_data_received_bytes_total', 'device, port'),
  nodeRate('infiniband_port_data_transmitted_bytes_total', 'device, port'),
];

export const alertRules: readonly AlertRule[] = [
  alert('WhyidleGpuHeldIdle', {
    // Booked time, not the class of now: one busy second in half an hour must not start the clock again.
    expr: `sum ${gpu} (${booked('30m', inClasses('held'))}) > 0.9`,
    for: '10m',
    severity: 'warning',
    summary: 'A GPU is held without work.',
    description:
      'GPU {{ $labels.gpu }} of {{ $labels.node }} was held idle for {{ $value | humanizePercentage }} of the last 30 minutes. Find the process that holds it (nvidia-smi on the node) and ask its owner to finish or release it.',
  }),
  alert('WhyidleGpuUnderused', {
    // Lost over working time, because a class that never occurred has no series: a GPU without one productive second must fire, too.
    expr: `sum ${gpu} (${booked('1h', lost)}) / sum ${gpu} (${booked('1h', working)}) > 0.7 and sum ${gpu} (${booked('1h', working)}) > 0.5`,
    for: '1h',
    severity: 'info',
    summary: 'A GPU has work but mostly waits.',
    description:
      'GPU {{ $labels.gpu }} of {{ $labels.node }} lost {{ $value | humanizePercentage }} of its working time in the last hour. Open its node in whyidle and compare disks, CPU, InfiniBand and clocks over that hour; more loader workers or a larger batch are the usual cures.',
  }),
  alert('WhyidleAgentDown', {
    expr: `max without (instance) (${series('node_up')}) == 0`,
    for: '5m',
    severity: 'warning',
    summary: 'A node delivers no readings.',
    description:
      'The server has had no reading of {{ $labels.node }} for at least 5 minutes; its GPUs count as not observed. Check that the node is up, that its agent runs, and that the agent reaches the server.',
  }),
  ...Object.entries(healthRules).map(([name, details]) => alert(name, details)),
];

function record(level: string, id: MetricId, operation: string, expr: string): RecordingRule {
  return { record: `${level}:${metricName(id).replace(/_total$/, '')}:${operation}`, expr };
}

function nodeRate(id: MetricId, device: string): RecordingRule {
  return record('node', id, 'rate5m', `sum without (${device}, instance) (rate(${series(id)}[5m]))`);
}

/** Old drivers have no counter: then it is the mean of what profiling measured. */
function trafficOfGpus(counter: MetricId, rate: MetricId, device: string): RecordingRule {
  const sum = (expr: string): string => `sum without (${device}, instance) (${expr})`;
  return record(
    'node',
    counter,
    'rate5m',
    `${sum(`rate(${series(counter)}[5m])`)} or ${sum(`avg_over_time(${series(rate)}[5m])`)}`,
  );
}

function alert(name: string, details: AlertDetails): AlertRule {
  const { summary, description } = details;
  return {
    alert: name,
    expr: details.expr,
    for: details.for,
    labels: { severity: details.severity },
    annotations: { summary, description, runbook_url: `${runbooks}${name.toLowerCase()}` },
  };
}
