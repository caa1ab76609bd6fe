// Cases for `promtool test rules` of the alerts about ill GPUs: each fires, and not for its neighbour.
import { metricName, type MetricId } from '#agent/contract';
import type { ExpectedAlert, RuleCase } from './rule-tests.ts';

const node = { job: 'whyidle', node: 'node07' } as const;
const gpu = { ...node, gpu: '3', uuid: 'GPU-a', pci_bus_id: '00000000:3b:00.0' } as const;
type Labels = Readonly<Record<string, string>>;

const input = (id: MetricId, labels: Labels, values: string): RuleCase['input_series'][number] => ({
  series: `${metricName(id)}{${Object.entries(labels)
    .map(([label, text]) => `${label}="${text}"`)
    .join(',')}}`,
  values,
});

interface Expected {
  readonly severity?: 'critical' | 'warning';
  readonly labels: Labels;
  readonly summary: string;
  readonly description: string;
}

const fires = (alert: string, { severity = 'critical', labels, summary, description }: Expected): ExpectedAlert => ({
  exp_labels: { severity, ...labels },
  exp_annotations: {
    summary,
    description,
    runbook_url: `https://whyidle.example/runbooks/${alert.toLowerCase()}`,
  },
});

/** Silent at the first time, firing at the second. */
const between = (
  alertname: string,
  [before, after]: readonly [string, string],
  expected: Expected,
): NonNullable<RuleCase['alert_rule_test']> => [
  { eval_time: before, alertname },
  { eval_time: after, alertname, exp_alerts: [fires(alertname, expected)] },
];

const hangs: Expected = {
  labels: node,
  summary: 'The GPU driver of a node does not answer.',
  description:
    'The GPU driver of node07 has not answered for at least a minute; all its GPUs are out. Check the kernel log of the node for Xid 119, 120 and 79, drain it, and restart it.',
};
const unavailable = (reason: string): Labels => ({ ...node, area: 'gpu', device: '', name: 'gpus', reason });

export const healthRuleCases: readonly RuleCase[] = [
  {
    name: 'a reader that cannot be killed is a driver that hangs',
    interval: '1m',
    input_series: [input('gpu_reader_stuck', node, '0x5 1x10')],
    alert_rule_test: between('WhyidleGpuDriverHangs', ['5m', '8m'], hangs),
  },
  {
    name: 'a reader that fell silent is a driver that hangs',
    interval: '1m',
    input_series: [input('gpu_reader_up', node, '1x5 0x10'), input('unavailable', unavailable('timed_out'), '_x6 1x9')],
    alert_rule_test: between('WhyidleGpuDriverHangs', ['5m', '9m'], hangs),
  },
  {
    name: 'a reader that may not read is no driver that hangs',
    interval: '1m',
    input_series: [input('gpu_reader_up', node, '0x15'), input('unavailable', unavailable('forbidden'), '1x15')],
    alert_rule_test: [{ eval_time: '10m', alertname: 'WhyidleGpuDriverHangs' }],
  },
  {
    name: 'a GPU that stops to answer fires alone',
    interval: '1m',
    input_series: [
      input('gpu_up', gpu, '1x5 0x10'),
      input('gpu_up', { ...gpu, gpu: '4', uuid: 'GPU-b' }, '1x15'),
      input('gpus', node, '8x15'),
      input('gpus_expected', node, '8x15'),
    ],
    alert_rule_test: [
      ...between('WhyidleGpuLost', ['5m', '8m'], {
        labels: gpu,
        summary: 'A GPU does not answer.',
        description:
          'GPU 3 of node07 does not answer while its driver does. Find the Xid in the kernel log of the node, drain it, and reset or replace the GPU.',
      }),
      { eval_time: '14m', alertname: 'WhyidleGpusMissing' },
    ],
  },
  {
    name: 'GPUs that never came up are missing',
    interval: '1m',
    input_series: [input('gpus', node, '6x20'), input('gpus_expected', node, '8x20')],
    alert_rule_test: between('WhyidleGpusMissing', ['4m', '6m'], {
      labels: node,
      summary: 'A node has fewer GPUs than are on its PCI bus.',
      description:
        'The driver of node07 does not answer for 2 of the GPUs on its PCI bus. Check the kernel log of the node for NVRM messages, drain it, and restart it.',
    }),
  },
  {
    name: 'an Xid of hardware fires for an hour, one of a job never',
    interval: '1m',
    input_series: [
      input('gpu_xid_last_timestamp_seconds', { ...gpu, xid: '79' }, '_x9 600x90'),
      input('gpu_xid_last_timestamp_seconds', { ...gpu, xid: '31' }, '600x99'),
    ],
    alert_rule_test: [
      ...between('WhyidleGpuHardwareXid', ['8m', '30m'], {
        labels: { ...gpu, xid: '79' },
        summary: 'A GPU reported an error of its hardware.',
        description:
          'GPU 3 of node07 reported Xid 79 within the last hour. Open its node in whyidle: what the code means and what to do stands beside the GPU.',
      }),
      { eval_time: '75m', alertname: 'WhyidleGpuHardwareXid' },
    ],
  },
  {
    name: 'a row that cannot be remapped fires, rows that were remapped do not',
    interval: '1m',
    input_series: [
      input('gpu_remapped_rows_failed', gpu, '0x5 1x10'),
      input('gpu_remapped_rows', { ...gpu, kind: 'uncorrected' }, '3x15'),
    ],
    alert_rule_test: between('WhyidleGpuRemapFailed', ['5m', '8m'], {
      labels: gpu,
      summary: 'A GPU has a memory row that cannot be replaced.',
      description:
        'GPU 3 of node07 could not remap a row of its memory. Find a time to drain the node, and have the GPU replaced.',
    }),
  },
  {
    name: 'profiling counters that stand still for long fire',
    interval: '1m',
    input_series: [input('gpu_dcp_suspect', gpu, '1x20')],
    alert_rule_test: between('WhyidleGpuProfilingSuspect', ['9m', '12m'], {
      severity: 'warning',
      labels: gpu,
      summary: 'Profiling counters of a GPU stand still.',
      description:
        'Profiling counters of GPU 3 of node07 stand at 0 while it works; whatever is computed from them is wrong. Check whether another profiler runs there, and restart the DCGM host engine.',
    }),
  },
  {
    name: 'a fabric manager that ends fires',
    interval: '1m',
    input_series: [input('fabric_manager_up', node, '1x5 0x10')],
    alert_rule_test: between('WhyidleFabricManagerDown', ['7m', '9m'], {
      labels: node,
      summary: 'The fabric manager of a node with NVSwitches does not run.',
      description:
        'The fabric manager of node07 does not run; CUDA does not start on its GPUs. Check systemctl status nvidia-fabricmanager, and start it.',
    }),
  },
];
