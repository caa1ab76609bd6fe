// What else a GPU has to say besides its figures: errors, worn memory, broken links, Xids. Only what is not as it should be.
import { xidOf, type AgentMetricId, type XidClass } from '#agent/contract';
import type { Hue } from '#server/contract';
import { counted } from '../format/quantity.ts';
import type { Device, NodeValues, SeriesIndex } from '../live/node-values.ts';

export interface Note {
  readonly text: string;
  /** bad: somebody has to act. */
  readonly bad: boolean;
}

export interface XidNote {
  readonly code: number;
  readonly title: string;
  readonly advice: string;
  readonly class: XidClass;
  /** Since the agent started; 0 for one that was seen before. */
  readonly count: number;
  /** By the node's clock. */
  readonly lastMs: number;
}

/** Hue and letter of an Xid's class, always together. */
export const xidMarks: Readonly<Record<XidClass, { readonly hue: Hue; readonly letter: string }>> = {
  hardware: { hue: 'fault', letter: 'H' },
  degraded: { hue: 'throttled', letter: 'D' },
  application: { hue: 'free', letter: 'A' },
  driver: { hue: 'phase', letter: 'S' },
  info: { hue: 'free', letter: 'i' },
};

const actions: Readonly<Record<number, string>> = {
  1: 'a reset of the GPU',
  2: 'a restart of the node',
  3: 'to drain its peer-to-peer traffic',
  4: 'to drain and reset it',
};

type Labels = Readonly<Record<string, string>>;

/** Reads the series of one GPU, with the labels that tell them apart. */
class Reading {
  readonly #index: SeriesIndex;
  readonly #values: NodeValues;
  readonly #device: Device;

  constructor(index: SeriesIndex, values: NodeValues, device: Device) {
    this.#index = index;
    this.#values = values;
    this.#device = device;
  }

  /** NaN where it is not there. */
  one(metric: AgentMetricId, labels: Labels = {}): number {
    const value = this.#values.of(metric, this.#device, labels);
    return value?.kind === 'value' ? value.value : NaN;
  }

  all(metric: AgentMetricId, labels: Labels = {}): readonly { readonly labels: Labels; readonly value: number }[] {
    const wanted = Object.entries({ ...this.#device.labels, ...labels });
    return this.#index
      .infos(metric)
      .filter((own) => wanted.every(([name, text]) => own[name] === text))
      .map((own) => ({ labels: own, value: this.one(metric, own) }));
  }

  /** What is not there counts nothing. */
  sum(metric: AgentMetricId, labels: Labels = {}): number {
    return this.all(metric, labels).reduce((sum, { value }) => sum + (Number.isNaN(value) ? 0 : value), 0);
  }
}

export function notesOf(index: SeriesIndex, values: NodeValues, device: Device): readonly Note[] {
  const reading = new Reading(index, values, device);
  return [...memoryNotes(reading), ...linkNotes(reading), ...driverNotes(reading)];
}

function memoryNotes(gpu: Reading): readonly Note[] {
  const ecc = (kind: string, scope: string): number => gpu.sum('gpu_ecc_errors_total', { kind, scope });
  const uncorrected = ecc('uncorrected', 'volatile');
  const ever = ecc('uncorrected', 'aggregate');
  const corrected = ecc('corrected', 'volatile');
  const remapped = gpu.sum('gpu_remapped_rows');
  const worn = gpu.one('gpu_row_remapper_banks', { availability: 'none' });
  return [
    ...when(uncorrected > 0, `${counted(uncorrected, 'uncorrected ECC error')} since the driver loaded`, true),
    ...when(ever > uncorrected, `${counted(ever, 'uncorrected ECC error')} ever`),
    ...when(corrected > 0, `${counted(corrected, 'corrected ECC error')} since the driver loaded`),
    ...when(gpu.sum('gpu_retired_pages') > 0, counted(gpu.sum('gpu_retired_pages'), 'retired page')),
    ...when(gpu.one('gpu_retired_pages_pending') === 1, 'pages wait to be retired', true),
    ...when(remapped > 0, counted(remapped, 'remapped row')),
    ...when(gpu.one('gpu_remapped_rows_pending') === 1, 'rows wait to be remapped at a reset', true),
    ...when(gpu.one('gpu_remapped_rows_failed') === 1, 'a row could not be remapped: replace the GPU', true),
    ...when(worn > 0, `${counted(worn, 'memory bank')} without spare rows`),
  ];
}

function linkNotes(gpu: Reading): readonly Note[] {
  const links = gpu.all('gpu_nvlink_up').filter(({ value }) => !Number.isNaN(value));
  const down = links.filter(({ value }) => value === 0).length;
  const errors = gpu.sum('gpu_nvlink_errors_total');
  const [width, most] = [gpu.one('gpu_pcie_link_width'), gpu.one('gpu_pcie_link_width_max')];
  return [
    // All of them down: nothing is connected there.
    ...when(down > 0 && down < links.length, `${down} of ${links.length} NVLinks down`, true),
    ...when(errors > 0, counted(errors, 'NVLink error')),
    ...when(width < most, `PCIe x${width} of x${most}`, true),
    ...when(gpu.one('gpu_pcie_replay_total') > 0, counted(gpu.one('gpu_pcie_replay_total'), 'PCIe replay')),
  ];
}

function driverNotes(gpu: Reading): readonly Note[] {
  const action = gpu.one('gpu_recovery_action');
  return [
    ...when(action > 0, `the driver asks for ${actions[action] ?? `action ${action}`}`, true),
    ...when(gpu.one('gpu_dcp_suspect') === 1, 'profiling counters stand at 0 while it works', true),
  ];
}

function when(is: boolean, text: string, bad = false): readonly Note[] {
  return is ? [{ text, bad }] : [];
}

/** The worst first, then the newest. */
export function xidsOf(index: SeriesIndex, values: NodeValues, device: Device): readonly XidNote[] {
  const order = Object.keys(xidMarks);
  return new Reading(index, values, device)
    .all('gpu_xid_last_timestamp_seconds')
    .filter(({ value }) => !Number.isNaN(value))
    .map(({ labels, value }): XidNote => {
      const code = Number(labels['xid']);
      const count = values.of('gpu_xid_errors_total', device, { xid: labels['xid'] ?? '' });
      const { title, advice, class: kind } = xidOf(code);
      const times = count?.kind === 'value' ? count.value : 0;
      return { code, title, advice, class: kind, count: times, lastMs: value * 1000 };
    })
    .toSorted((a, b) => order.indexOf(a.class) - order.indexOf(b.class) || b.lastMs - a.lastMs);
}

/** `mlx5_0, mlx5_1 (PIX)`; empty where nobody says. */
export function nearestText(index: SeriesIndex, { labels }: Device): string {
  const near = index
    .infos('gpu_nearest_infiniband_info')
    .filter((own) => own['uuid'] === labels['uuid'] && own['gpu'] === labels['gpu']);
  const names = near.map((own) => own['device'] ?? '').join(', ');
  return names === '' ? '' : `${names} (${near[0]?.['path'] ?? ''})`;
}
