// Rows about what goes on inside GPUs and between them, and which of them are ill.
import { heldDownBy, olderReasons } from '#server/contract';
import type { PanelSpec, RowSpec } from '../panel.ts';
import { selected, zeroWhere } from '../promql.ts';
import { unitOf } from '../units.ts';
import { allGpus, byNode, figure, lines, rate } from './parts.ts';

/** A MIG instance is a part of its GPU. */
const whole = { mig_gi: '=""' } as const;
const heldDown = `=~"${[...heldDownBy, ...olderReasons].join('|')}"` as const;

export const inside: RowSpec = {
  id: 106,
  title: 'Inside GPUs and between them',
  panels: [
    active(
      29,
      'SMs active by node',
      'Share of time a warp was on an SM, mean over the GPUs of a node',
      'gpu_sm_active_ratio',
    ),
    active(
      30,
      'Tensor cores active by node',
      'Share of cycles the tensor cores worked, mean over the GPUs of a node',
      'gpu_tensor_active_ratio',
    ),
    moved(31, 'PCIe, host to GPU, by node', 'Data from the host into the GPUs of a node: what feeds them', {
      counter: 'gpu_pcie_rx_bytes_total',
      level: 'gpu_pcie_rx_bytes_per_second',
    }),
    moved(32, 'NVLink received by node', 'Data that the GPUs of a node received over all their NVLinks', {
      counter: 'gpu_nvlink_rx_bytes_total',
      level: 'gpu_nvlink_rx_bytes_per_second',
    }),
    {
      ...lines(
        33,
        'Throttled time by node',
        'Share of time in which clocks were held down, for the reason that held longest, mean over the GPUs of a node; idleness and settings count as none',
        `avg by (node) (max by (node, gpu, uuid) (${rate(selected('gpu_throttle_seconds_total', { reason: heldDown }))}))`,
      ),
      unit: unitOf('gpu_throttle_seconds_total'),
      max: 1,
    },
    {
      ...lines(
        34,
        'GPU energy by node',
        'Power of the GPUs of a node as their energy counters say it, without gaps between samples',
        byNode(rate(selected('gpu_energy_joules_total'))),
      ),
      unit: unitOf('gpu_energy_joules_total'),
    },
  ],
};

export const ill: RowSpec = {
  id: 107,
  title: 'GPUs that are ill',
  panels: [
    {
      ...figure(
        35,
        'GPUs that do not answer',
        'GPUs whose driver lost them or answers with errors only',
        zeroWhere(allGpus, `count(${selected('gpu_up')} == 0)`),
      ),
      height: 8,
    },
    {
      ...figure(
        36,
        'Nodes without GPU readings',
        'Nodes whose GPU reader delivers nothing: the driver hangs, or it may not be read',
        zeroWhere(allGpus, `count(${selected('gpu_reader_up')} == 0)`),
      ),
      height: 8,
    },
    {
      id: 37,
      kind: 'table',
      title: 'Xids',
      description:
        'Errors the driver reported, by GPU and code, with the time of the last one. Those of jobs are among them',
      unit: 'short',
      targets: [{ expr: `max by (node, gpu, uuid, xid) (${selected('gpu_xid_last_timestamp_seconds')}) * 1000` }],
      columns: [
        { field: 'node', title: 'Node' },
        { field: 'gpu', title: 'GPU' },
        { field: 'xid', title: 'Xid' },
        { field: 'Value', title: 'Last', unit: 'dateTimeFromNow' },
      ],
      noValue: 'No Xid was reported',
      width: 16,
      height: 8,
    },
  ],
};

function active(
  id: number,
  title: string,
  description: string,
  metric: 'gpu_sm_active_ratio' | 'gpu_tensor_active_ratio',
): PanelSpec {
  return {
    ...lines(id, title, description, `avg by (node) (${selected(metric, whole)})`),
    unit: unitOf(metric),
    max: 1,
  };
}

/** By the counter; on nodes that have none by the level that stands in for it. */
function moved(
  id: number,
  title: string,
  description: string,
  {
    counter,
    level,
  }: {
    readonly counter: 'gpu_pcie_rx_bytes_total' | 'gpu_nvlink_rx_bytes_total';
    readonly level: 'gpu_pcie_rx_bytes_per_second' | 'gpu_nvlink_rx_bytes_per_second';
  },
): PanelSpec {
  const expr = `${byNode(rate(selected(counter)))} or ${byNode(selected(level))}`;
  return { ...lines(id, title, description, expr), unit: unitOf(counter) };
}
