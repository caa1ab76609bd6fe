// NVML's numbers, as ../shared/corpus/gpu/facts has them from nvml.h, against those that the reader and the catalogue use.
import { expect } from 'vitest';
import { rowOf, type AgentMetricId } from '#agent/contract';
import { pcieErrorFields } from '../../agent/sources/nvml/pcie.ts';
import { recoveryFields } from '../../agent/sources/nvml/repairs.ts';
import * as returnCodes from '../../agent/sources/nvml/return-codes.ts';
import { throttleFields } from '../../agent/sources/nvml/throttle.ts';
import { XID_EVENTS } from '../../agent/sources/nvml/xids.ts';
import type { Check } from './gpu-corpus.ts';

/** The number that the catalogue names as the source of a metric. */
function numberIn(id: AgentMetricId, words: string): number {
  return Number(new RegExp(`${words} (\\d+)`).exec(rowOf(id).source)?.[1]);
}

function tableOf(text: string): ReadonlyMap<string, number> {
  const table: unknown = JSON.parse(text);
  if (typeof table !== 'object' || table === null) throw new Error('no table');
  return new Map(Object.entries(table).map(([name, value]) => [name, Number(value)]));
}

const gpmMetrics: readonly (readonly [AgentMetricId, string])[] = [
  ['gpu_graphics_engine_active_ratio', 'GRAPHICS_UTIL'],
  ['gpu_sm_active_ratio', 'SM_UTIL'],
  ['gpu_sm_occupancy_ratio', 'SM_OCCUPANCY'],
  ['gpu_tensor_active_ratio', 'ANY_TENSOR_UTIL'],
  ['gpu_dram_active_ratio', 'DRAM_BW_UTIL'],
  ['gpu_fp64_active_ratio', 'FP64_UTIL'],
  ['gpu_fp32_active_ratio', 'FP32_UTIL'],
  ['gpu_fp16_active_ratio', 'FP16_UTIL'],
  ['gpu_int_active_ratio', 'INTEGER_UTIL'],
];

const fields: readonly (readonly [AgentMetricId, string])[] = [
  ['gpu_retired_pages_pending', 'RETIRED_PENDING'],
  ['gpu_pcie_tx_bytes_total', 'PCIE_COUNT_TX_BYTES'],
  ['gpu_pcie_rx_bytes_total', 'PCIE_COUNT_RX_BYTES'],
  ['gpu_nvlink_tx_bytes_total', 'NVLINK_THROUGHPUT_DATA_TX'],
  ['gpu_nvlink_rx_bytes_total', 'NVLINK_THROUGHPUT_DATA_RX'],
  ['gpu_recovery_action', 'GET_GPU_RECOVERY_ACTION'],
];

const throttleNames = [
  'SW_POWER_CAP',
  'SYNC_BOOST',
  'SW_THERM_SLOWDOWN',
  'HW_THERM_SLOWDOWN',
  'HW_POWER_BRAKE_SLOWDOWN',
];
const pcieNames = [
  'CORRECTABLE_ERRORS',
  'NAKS_RECEIVED',
  'RECEIVER_ERROR',
  'BAD_TLP',
  'NAKS_SENT',
  'BAD_DLLP',
  'NON_FATAL_ERROR',
  'FATAL_ERROR',
  'UNSUPPORTED_REQ',
  'LCRC_ERROR',
];

export const nvmlFacts: Readonly<Record<string, Check>> = {
  'facts/nvml-return-codes.json': (text) => {
    const table = tableOf(text);
    const ours = Object.entries(returnCodes).filter(([, value]) => typeof value === 'number');
    expect(ours.length).toBeGreaterThan(8);
    for (const [name, code] of ours) {
      const full = name === 'SUCCESS' ? 'NVML_SUCCESS' : `NVML_ERROR_${name}`;
      expect([full, code]).toEqual([full, table.get(full)]);
    }
    expect(returnCodes.absenceOf(table.get('NVML_ERROR_NO_PERMISSION') ?? -1)).toBe('forbidden');
    expect(returnCodes.absenceOf(table.get('NVML_ERROR_GPU_IS_LOST') ?? -1)).toBe('not_present');
    expect(returnCodes.absenceOf(table.get('NVML_ERROR_UNKNOWN') ?? 999)).toBe('malformed');
  },
  'facts/nvml-field-ids.json': (text) => {
    const table = tableOf(text);
    const idOf = (name: string) => table.get(`NVML_FI_DEV_${name}`);
    for (const [id, name] of fields) expect([id, numberIn(id, 'field')]).toEqual([id, idOf(name)]);
    expect(throttleFields.map(({ fieldId }) => fieldId)).toEqual(
      throttleNames.map((name) => idOf(`CLOCKS_EVENT_REASON_${name}`)),
    );
    expect(pcieErrorFields.map(({ fieldId }) => fieldId)).toEqual(pcieNames.map((name) => idOf(`PCIE_COUNT_${name}`)));
    expect(recoveryFields.map(({ fieldId }) => fieldId)).toEqual([idOf('GET_GPU_RECOVERY_ACTION')]);
  },
  'facts/nvml-gpm-metrics.json': (text) => {
    const table = tableOf(text);
    for (const [id, name] of gpmMetrics)
      expect([id, numberIn(id, 'GPM')]).toEqual([id, table.get(`NVML_GPM_METRIC_${name}`)]);
  },
  'facts/nvml-event-types.json': (text) => {
    expect(XID_EVENTS).toBe(tableOf(text).get('nvmlEventTypeXidCriticalError'));
  },
};
