// /api/v1/query and /api/v1/nodes/NAME/charts: readings of the past. Columns, because there are many points.
import type { GapReason } from '#agent/contract';

/** As received, minutes, hours: chosen by the width of the range unless `step=raw` asks for readings. */
export const queryResolutions = ['raw', 'minute', 'hour'] as const;
export type QueryResolution = (typeof queryResolutions)[number];

export interface QueryAnswer {
  readonly schema_version: number;
  /** Exported name. */
  readonly metric: string;
  readonly unit: string;
  /** A counter's points are its gain per second. */
  readonly kind: 'gauge' | 'counter';
  readonly from_ms: number;
  readonly to_ms: number;
  readonly resolution: QueryResolution;
  /** 0: every reading is a point of its own. */
  readonly step_ms: number;
  /** Who remembered it: the readings as received, the roll-ups here, or an outside engine. */
  readonly engine: 'journal' | 'history' | 'external';
  /** From where on there is data of this resolution; null where there is none at all. */
  readonly since_ms: number | null;
  readonly series: readonly QueryAnswerSeries[];
  /** Readings that are known to be lost in this range. */
  readonly gaps: readonly QueryGap[];
}

export interface QueryAnswerSeries {
  readonly labels: Readonly<Record<string, string>>;
  readonly times_ms: readonly number[];
  /** null where there is no value: absent, or a counter whose gain is not known. */
  readonly mean: readonly (number | null)[];
  readonly min: readonly (number | null)[];
  readonly max: readonly (number | null)[];
  /** Readings in each point. */
  readonly count: readonly number[];
  /** With `step=raw`: the whole value in 1/scale of the unit as decimal text, or the reason why there is none. */
  readonly exact?: readonly string[];
}

export interface QueryGap {
  readonly node: string;
  readonly from_ms: number;
  readonly to_ms: number;
  /** Readings that were produced and lost; 0 where none was produced. */
  readonly readings: number;
  readonly reason: GapReason;
}

/** The charts of a node page over any range: every line of every chart on the same times. */
export interface NodeChartsAnswer {
  readonly schema_version: number;
  readonly node: string;
  readonly from_ms: number;
  readonly to_ms: number;
  readonly resolution: QueryResolution;
  readonly step_ms: number;
  readonly engine: 'journal' | 'history' | 'external';
  readonly since_ms: number | null;
  /** Ends of the steps, oldest first; steps of which nobody has a reading are left out. */
  readonly times_ms: readonly number[];
  readonly charts: readonly NodeChartAnswer[];
  readonly gaps: readonly QueryGap[];
}

export interface NodeChartAnswer {
  /** The row of server/contract/charts. */
  readonly id: string;
  readonly title: string;
  readonly unit: string;
  readonly lines: readonly {
    readonly name: string;
    readonly mean: readonly (number | null)[];
    /** Lowest and highest reading of each step; null where the line is computed from several series and has a mean alone. */
    readonly min: readonly (number | null)[] | null;
    readonly max: readonly (number | null)[] | null;
  }[];
}
