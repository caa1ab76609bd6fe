// Alerts about GPUs that are ill. Which Xids are of hardware, the catalogue says: agent/contract/xid.ts.
import { knownXids, xidOf } from '#agent/contract';
import type { AlertDetails } from './alert-rule.ts';
import { series, type Matchers } from './promql.ts';

const hardwareXids = knownXids.filter((code) => xidOf(code).class === 'hardware');
const once = (expression: string): string => `max without (instance) (${expression})`;

const timedOut: Matchers<'unavailable'> = { area: '="gpu"', reason: '="timed_out"' };
const silent = `${once(series('gpu_reader_up'))} == 0 and on (job, node) ${series('unavailable', timedOut)}`;

export const healthRules: Readonly<Record<`Whyidle${string}`, AlertDetails>> = {
  WhyidleGpuDriverHangs: {
    expr: `${once(series('gpu_reader_stuck'))} == 1 or (${silent})`,
    for: '1m',
    severity: 'critical',
    summary: 'The GPU driver of a node does not answer.',
    description:
      'The GPU driver of {{ $labels.node }} has not answered for at least a minute; all its GPUs are out. Check the kernel log of the node for Xid 119, 120 and 79, drain it, and restart it.',
  },
  WhyidleGpuLost: {
    expr: `${once(series('gpu_up'))} == 0`,
    for: '1m',
    severity: 'critical',
    summary: 'A GPU does not answer.',
    description:
      'GPU {{ $labels.gpu }} of {{ $labels.node }} does not answer while its driver does. Find the Xid in the kernel log of the node, drain it, and reset or replace the GPU.',
  },
  WhyidleGpusMissing: {
    // An exporter may be told to show only some of the GPUs.
    expr: `(${once(series('gpus_expected'))} - ${once(series('gpus'))} > 0) unless on (node) ${series('gpu_reader_info', { backend: '="dcgm_exporter"' })}`,
    for: '5m',
    severity: 'critical',
    summary: 'A node has fewer GPUs than are on its PCI bus.',
    description:
      'The driver of {{ $labels.node }} does not answer for {{ $value }} of the GPUs on its PCI bus. Check the kernel log of the node for NVRM messages, drain it, and restart it.',
  },
  WhyidleGpuHardwareXid: {
    expr: `time() - ${once(series('gpu_xid_last_timestamp_seconds', { xid: `=~"${hardwareXids.join('|')}"` }))} < 3600`,
    for: '0s',
    severity: 'critical',
    summary: 'A GPU reported an error of its hardware.',
    description:
      'GPU {{ $labels.gpu }} of {{ $labels.node }} reported Xid {{ $labels.xid }} within the last hour. Open its node in whyidle: what the code means and what to do stands beside the GPU.',
  },
  WhyidleGpuRemapFailed: {
    expr: `${once(series('gpu_remapped_rows_failed'))} == 1`,
    for: '1m',
    severity: 'critical',
    summary: 'A GPU has a memory row that cannot be replaced.',
    description:
      'GPU {{ $labels.gpu }} of {{ $labels.node }} could not remap a row of its memory. Find a time to drain the node, and have the GPU replaced.',
  },
  WhyidleGpuProfilingSuspect: {
    expr: `${once(series('gpu_dcp_suspect'))} == 1`,
    for: '10m',
    severity: 'warning',
    summary: 'Profiling counters of a GPU stand still.',
    description:
      'Profiling counters of GPU {{ $labels.gpu }} of {{ $labels.node }} stand at 0 while it works; whatever is computed from them is wrong. Check whether another profiler runs there, and restart the DCGM host engine.',
  },
  WhyidleFabricManagerDown: {
    expr: `${once(series('fabric_manager_up'))} == 0`,
    for: '2m',
    severity: 'critical',
    summary: 'The fabric manager of a node with NVSwitches does not run.',
    description:
      'The fabric manager of {{ $labels.node }} does not run; CUDA does not start on its GPUs. Check systemctl status nvidia-fabricmanager, and start it.',
  },
};
