// Cases for `promtool test rules`: each alert fires, and does not fire for its neighbour. The texts are written out, not taken
// from the rules, so that a broken template shows.
import { series, type Matcher, type Matchers } from './promql.ts';
import type { LeafClass, Owner } from '#server/contract';

export interface RuleCase {
  readonly name: string;
  readonly interval: string;
  readonly input_series: readonly { readonly series: string; readonly values: string }[];
  readonly alert_rule_test?: readonly {
    readonly eval_time: string;
    readonly alertname: string;
    readonly exp_alerts?: readonly ExpectedAlert[];
  }[];
  readonly promql_expr_test?: readonly {
    readonly eval_time: string;
    readonly expr: string;
    readonly exp_samples: readonly { readonly labels: string; readonly value: number }[];
  }[];
}

export interface ExpectedAlert {
  readonly exp_labels: Readonly<Record<string, string>>;
  readonly exp_annotations: Readonly<Record<string, string>>;
}

const gpuLabels = { job: 'whyidle', node: 'node07', gpu: '3', uuid: 'GPU-a' } as const;

export const ruleCases: readonly RuleCase[] = [
  {
    name: 'a GPU held idle for 40 minutes fires, once',
    interval: '1m',
    input_series: [booked('held.idle', 'user', '0+60x60')],
    alert_rule_test: [
      { eval_time: '30m', alertname: 'WhyidleGpuHeldIdle' },
      {
        eval_time: '45m',
        alertname: 'WhyidleGpuHeldIdle',
        exp_alerts: [
          expected('WhyidleGpuHeldIdle', 'warning', gpuLabels, {
            summary: 'A GPU is held without work.',
            description:
              'GPU 3 of node07 was held idle for 100% of the last 30 minutes. Find the process that holds it (nvidia-smi on the node) and ask its owner to finish or release it.',
          }),
        ],
      },
      { eval_time: '45m', alertname: 'WhyidleGpuUnderused' },
    ],
  },
  {
    name: 'one busy minute does not start the half hour again',
    interval: '1m',
    input_series: [
      booked('held.idle', 'user', '0+60x25 1500 1560+60x40'),
      booked('productive.compute', 'user', '0x25 60 60x40'),
    ],
    alert_rule_test: [
      {
        eval_time: '45m',
        alertname: 'WhyidleGpuHeldIdle',
        exp_alerts: [
          expected('WhyidleGpuHeldIdle', 'warning', gpuLabels, {
            summary: 'A GPU is held without work.',
            description:
              'GPU 3 of node07 was held idle for 96.67% of the last 30 minutes. Find the process that holds it (nvidia-smi on the node) and ask its owner to finish or release it.',
          }),
        ],
      },
    ],
  },
  {
    name: 'a free GPU is not held',
    interval: '1m',
    input_series: [booked('free.no_demand', 'scheduler', '0+60x180')],
    alert_rule_test: [
      { eval_time: '170m', alertname: 'WhyidleGpuHeldIdle' },
      { eval_time: '170m', alertname: 'WhyidleGpuUnderused' },
    ],
  },
  {
    name: 'a GPU that is released after 25 minutes does not fire',
    interval: '1m',
    input_series: [
      booked('held.idle', 'user', '0+60x25 1500x60'),
      booked('free.no_demand', 'scheduler', '0x25 0+60x60'),
    ],
    alert_rule_test: [
      { eval_time: '35m', alertname: 'WhyidleGpuHeldIdle' },
      { eval_time: '60m', alertname: 'WhyidleGpuHeldIdle' },
    ],
  },
  {
    name: 'a GPU that waits most of two hours fires, though it was never productive',
    interval: '1m',
    input_series: [booked('starved.unknown', 'unknown', '0+60x180')],
    alert_rule_test: [
      { eval_time: '60m', alertname: 'WhyidleGpuUnderused' },
      {
        eval_time: '150m',
        alertname: 'WhyidleGpuUnderused',
        exp_alerts: [underused('100%')],
      },
      { eval_time: '150m', alertname: 'WhyidleGpuHeldIdle' },
    ],
  },
  {
    name: 'three quarters lost fires with the share of working time',
    interval: '1m',
    input_series: [booked('starved.unknown', 'unknown', '0+45x180'), booked('productive.compute', 'user', '0+15x180')],
    alert_rule_test: [{ eval_time: '150m', alertname: 'WhyidleGpuUnderused', exp_alerts: [underused('75%')] }],
  },
  {
    name: 'half productive is not underused',
    interval: '1m',
    input_series: [booked('starved.unknown', 'unknown', '0+30x180'), booked('productive.compute', 'user', '0+30x180')],
    alert_rule_test: [{ eval_time: '150m', alertname: 'WhyidleGpuUnderused' }],
  },
  {
    name: 'a GPU that waits for a quarter of an hour and is then free is not underused',
    interval: '1m',
    input_series: [
      booked('starved.unknown', 'unknown', '0+60x15 900x165'),
      booked('free.no_demand', 'scheduler', '0x15 0+60x165'),
    ],
    alert_rule_test: [
      { eval_time: '60m', alertname: 'WhyidleGpuUnderused' },
      { eval_time: '150m', alertname: 'WhyidleGpuUnderused' },
    ],
  },
  {
    name: 'a silent node fires after five minutes, a short silence does not',
    interval: '1m',
    input_series: [
      { series: nodeUp('node07'), values: '1x5 0x30' },
      { series: nodeUp('node08'), values: '1x5 0x3 1x30' },
      { series: nodeUp('node09'), values: '1x40' },
    ],
    alert_rule_test: [
      { eval_time: '9m', alertname: 'WhyidleAgentDown' },
      {
        eval_time: '15m',
        alertname: 'WhyidleAgentDown',
        exp_alerts: [
          expected(
            'WhyidleAgentDown',
            'warning',
            { job: 'whyidle', node: 'node07' },
            {
              summary: 'A node delivers no readings.',
              description:
                'The server has had no reading of node07 for at least 5 minutes; its GPUs count as not observed. Check that the node is up, that its agent runs, and that the agent reaches the server.',
            },
          ),
        ],
      },
    ],
  },
  {
    name: 'the productive share is productive over all booked time',
    interval: '10s',
    input_series: [
      booked('productive.compute', 'user', '0+5x60'),
      booked('starved.unknown', 'unknown', '0+3x60'),
      booked('free.no_demand', 'scheduler', '0+2x60'),
    ],
    promql_expr_test: [
      {
        eval_time: '10m',
        expr: 'job:whyidle_gpu_productive:ratio_rate5m',
        exp_samples: [{ labels: 'job:whyidle_gpu_productive:ratio_rate5m{job="whyidle"}', value: 0.5 }],
      },
    ],
  },
  {
    name: 'a fleet without one productive second has a share of zero, not no share',
    interval: '10s',
    input_series: [booked('starved.unknown', 'unknown', '0+10x60')],
    promql_expr_test: [
      {
        eval_time: '10m',
        expr: 'job:whyidle_gpu_productive:ratio_rate5m',
        exp_samples: [{ labels: 'job:whyidle_gpu_productive:ratio_rate5m{job="whyidle"}', value: 0 }],
      },
    ],
  },
];

function booked(leaf: LeafClass, owner: Owner, values: string): { series: string; values: string } {
  const labels: Matchers<'gpu_state_seconds_total'> = {
    ...equal(gpuLabels),
    class: `="${leaf}"`,
    owner: `="${owner}"`,
  };
  return { series: series('gpu_state_seconds_total', labels), values };
}

function nodeUp(node: string): string {
  return series('node_up', { job: '="whyidle"', node: `="${node}"` });
}

function underused(share: string): ExpectedAlert {
  return expected('WhyidleGpuUnderused', 'info', gpuLabels, {
    summary: 'A GPU has work but mostly waits.',
    description: `GPU 3 of node07 lost ${share} of its working time in the last hour. Open its node in whyidle and compare disks, CPU, InfiniBand and clocks over that hour; more loader workers or a larger batch are the usual cures.`,
  });
}

function expected(
  alert: string,
  severity: string,
  labels: Readonly<Record<string, string>>,
  annotations: Readonly<Record<'summary' | 'description', string>>,
): ExpectedAlert {
  return {
    exp_labels: { severity, ...labels },
    exp_annotations: { ...annotations, runbook_url: `https://whyidle.example/runbooks/${alert.toLowerCase()}` },
  };
}

function equal(labels: typeof gpuLabels): Readonly<Record<keyof typeof gpuLabels, Matcher>> {
  return {
    job: `="${labels.job}"`,
    node: `="${labels.node}"`,
    gpu: `="${labels.gpu}"`,
    uuid: `="${labels.uuid}"`,
  };
}
