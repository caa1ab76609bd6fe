// DCGM's fields of throttling, ECC, retired pages and remapped rows. dcgm_fields.h; names of 4.6 beside the older ones.
import { isAbsent } from '#agent/contract';
import { countField, fieldNames, ignoredField, levelField, type DcgmField } from './dcgm-field.ts';
import { enumUpTo, isAny } from './dcgm-value.ts';
import { columnOf, valueIn } from './sheet.ts';
import { throttleReasons } from './throttle.ts';

const count = enumUpTo(2 ** 31);
const MOST_MASK = 0xffff;

const violation = (reason: string) => columnOf('gpu_throttle_seconds_total', { reason });
const banks = (availability: string) => columnOf('gpu_row_remapper_banks', { availability });

/** By field, SBE and then DBE; volatile first. Texture and shared memory have no name of their own with us. */
const eccParts = [
  { word: 'TOTAL', memory: 'all', first: [310, 312] },
  { word: 'L1', memory: 'l1_cache', first: [314, 324] },
  { word: 'L2', memory: 'l2_cache', first: [316, 326] },
  { word: 'DEV', memory: 'device_memory', first: [318, 328] },
  { word: 'REG', memory: 'register_file', first: [320, 330] },
  { word: 'CBU', memory: 'cbu', first: [336, 340] },
  { word: 'SRM', memory: 'sram', first: [342, 344] },
] as const;

export const healthFields: readonly DcgmField[] = [
  throttleMask(112, 'CLOCK_THROTTLE_REASONS CLOCKS_EVENT_REASONS'),
  // Nanoseconds, as NVML counts them; the newer counters of the same reasons come first.
  countField(240, 'POWER_VIOLATION', violation('sw_power_cap'), { rank: 1 }),
  countField(241, 'THERMAL_VIOLATION', violation('thermal')),
  countField(242, 'SYNC_BOOST_VIOLATION', violation('sync_boost'), { rank: 1 }),
  countField(243, 'BOARD_LIMIT_VIOLATION', violation('board_limit')),
  countField(244, 'LOW_UTIL_VIOLATION', violation('low_utilization')),
  countField(245, 'RELIABILITY_VIOLATION', violation('reliability')),
  // Time below the application's or the base clocks: an effect of the reasons above, no reason of its own.
  ignoredField(246, 'TOTAL_APP_CLOCKS_VIOLATION'),
  ignoredField(247, 'TOTAL_BASE_CLOCKS_VIOLATION'),
  countField(1420, 'CLOCKS_EVENT_REASON_SW_POWER_CAP_NS', violation('sw_power_cap')),
  countField(1421, 'CLOCKS_EVENT_REASON_SYNC_BOOST_NS', violation('sync_boost')),
  countField(1422, 'CLOCKS_EVENT_REASON_SW_THERM_SLOWDOWN_NS', violation('sw_thermal_slowdown')),
  countField(1423, 'CLOCKS_EVENT_REASON_HW_THERM_SLOWDOWN_NS', violation('hw_thermal_slowdown')),
  countField(1424, 'CLOCKS_EVENT_REASON_HW_POWER_BRAKE_SLOWDOWN_NS', violation('hw_power_brake_slowdown')),
  // The last Xid and sticky: two of the same are not told apart. Xids are counted from events alone.
  ignoredField(230, 'XID_ERRORS XID_ERROR'),
  ...eccParts.flatMap(({ word, memory, first: [vol, agg] }) => [
    ecc(vol, `SBE_VOL_${word}`, { kind: 'corrected', memory, scope: 'volatile' }),
    ecc(vol + 1, `DBE_VOL_${word}`, { kind: 'uncorrected', memory, scope: 'volatile' }),
    ecc(agg, `SBE_AGG_${word}`, { kind: 'corrected', memory, scope: 'aggregate' }),
    ecc(agg + 1, `DBE_AGG_${word}`, { kind: 'uncorrected', memory, scope: 'aggregate' }),
  ]),
  levelField(385, 'BANKS_REMAP_ROWS_AVAIL_MAX BANK_REMAP_AVAIL_MAX', banks('max'), count),
  levelField(386, 'BANKS_REMAP_ROWS_AVAIL_HIGH BANK_REMAP_AVAIL_HIGH', banks('high'), count),
  levelField(387, 'BANKS_REMAP_ROWS_AVAIL_PARTIAL BANK_REMAP_AVAIL_PARTIAL', banks('partial'), count),
  levelField(388, 'BANKS_REMAP_ROWS_AVAIL_LOW BANK_REMAP_AVAIL_LOW', banks('low'), count),
  levelField(389, 'BANKS_REMAP_ROWS_AVAIL_NONE BANK_REMAP_AVAIL_NONE', banks('none'), count),
  levelField(390, 'RETIRED_SBE PAGE_RETIRED_SBE_TOTAL', columnOf('gpu_retired_pages', { cause: 'single_bit' }), count),
  levelField(391, 'RETIRED_DBE PAGE_RETIRED_DBE_TOTAL', columnOf('gpu_retired_pages', { cause: 'double_bit' }), count),
  levelField(392, 'RETIRED_PENDING PAGE_RETIRED_PENDING', columnOf('gpu_retired_pages_pending'), isAny),
  levelField(
    393,
    'UNCORRECTABLE_REMAPPED_ROWS ROW_REMAP_UNCORRECTABLE_TOTAL',
    columnOf('gpu_remapped_rows', { kind: 'uncorrected' }),
    count,
  ),
  levelField(
    394,
    'CORRECTABLE_REMAPPED_ROWS ROW_REMAP_CORRECTABLE_TOTAL',
    columnOf('gpu_remapped_rows', { kind: 'corrected' }),
    count,
  ),
  levelField(395, 'ROW_REMAP_FAILURE ROW_REMAP_FAILED', columnOf('gpu_remapped_rows_failed'), isAny),
  levelField(396, 'ROW_REMAP_PENDING', columnOf('gpu_remapped_rows_pending'), isAny),
];

function ecc(
  id: number,
  name: string,
  labels: { readonly kind: string; readonly memory: string; readonly scope: string },
): DcgmField {
  return countField(id, `ECC_${name}`, columnOf('gpu_ecc_errors_total', labels));
}

/** One field, a column for each of its bits. */
function throttleMask(id: number, names: string): DcgmField {
  const targets = throttleReasons.map(({ reason, bit }) => {
    const column = columnOf('gpu_throttle_active', { reason });
    return {
      column,
      rank: 0,
      read: (text: string) => {
        const mask = enumUpTo(MOST_MASK)(text);
        return valueIn(column, isAbsent(mask) ? mask : Number((BigInt(mask) & bit) !== 0n));
      },
    };
  });
  return { id, names: fieldNames(names), targetsAt: () => targets };
}
