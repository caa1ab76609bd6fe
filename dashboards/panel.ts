// What a panel shows, as data, and how the Grafana SDK is told to draw it.
import * as bargauge from '@grafana/grafana-foundation-sdk/bargauge';
import type { Builder } from '@grafana/grafana-foundation-sdk/cog';
import {
  BarGaugeDisplayMode,
  BigValueColorMode,
  BigValueGraphMode,
  LegendDisplayMode,
  LegendPlacement,
  ReduceDataOptionsBuilder,
  SortOrder,
  StackingConfigBuilder,
  StackingMode,
  TooltipDisplayMode,
  VisibilityMode,
  VizLegendOptionsBuilder,
  VizOrientation,
  VizTooltipOptionsBuilder,
} from '@grafana/grafana-foundation-sdk/common';
import {
  FieldColorBuilder,
  FieldColorModeId,
  type DataTransformerConfig,
  type DynamicConfigValue,
  type Panel,
} from '@grafana/grafana-foundation-sdk/dashboard';
import { DataqueryBuilder, PromQueryFormat } from '@grafana/grafana-foundation-sdk/prometheus';
import * as stat from '@grafana/grafana-foundation-sdk/stat';
import * as statushistory from '@grafana/grafana-foundation-sdk/statushistory';
import * as table from '@grafana/grafana-foundation-sdk/table';
import * as timeseries from '@grafana/grafana-foundation-sdk/timeseries';
import { leafClasses, leaves } from '#server/contract';
import { hueColours } from './colours.ts';

export interface Target {
  readonly expr: string;
  readonly legend?: string;
}

interface Common {
  /** Fixed for good: links to single panels hold on to it. */
  readonly id: number;
  readonly title: string;
  readonly description: string;
  /** A Grafana unit. */
  readonly unit: string;
  readonly targets: readonly Target[];
  readonly width: number;
  readonly height: number;
  /** What an empty result truly means. */
  readonly noValue?: string;
  readonly max?: number;
}

export type PanelSpec =
  | (Common & { readonly kind: 'stat' | 'grid' })
  | (Common & { readonly kind: 'lines'; readonly stacked?: boolean; readonly byClass?: boolean })
  | (Common & { readonly kind: 'bars'; readonly byClass?: boolean })
  | (Common & { readonly kind: 'table'; readonly columns: readonly Column[] });

export interface Column {
  readonly field: string;
  readonly title: string;
  readonly unit?: string;
}

export interface RowSpec {
  readonly id: number;
  readonly title: string;
  readonly panels: readonly PanelSpec[];
}

/** The template variable every panel and query reads from, so that a provisioned dashboard finds its source. */
export const datasource = { type: 'prometheus', uid: '${datasource}' } as const;

export function buildPanel(spec: PanelSpec): Builder<Panel> {
  switch (spec.kind) {
    case 'stat':
      return base(new stat.PanelBuilder(), spec)
        .graphMode(BigValueGraphMode.Area)
        .colorMode(BigValueColorMode.None)
        .reduceOptions(lastValue());
    case 'lines':
      return buildLines(spec);
    case 'bars':
      return coloured(base(new bargauge.PanelBuilder(), spec), spec.byClass)
        .displayMode(BarGaugeDisplayMode.Basic)
        .orientation(VizOrientation.Horizontal)
        .reduceOptions(lastValue());
    case 'grid':
      return base(new statushistory.PanelBuilder(), spec)
        .showValue(VisibilityMode.Never)
        .rowHeight(0.9)
        .colorScheme(new FieldColorBuilder().mode(FieldColorModeId.ContinuousYlBl));
    case 'table':
      return buildTable(spec);
  }
}

function buildLines(spec: PanelSpec & { kind: 'lines' }): Builder<Panel> {
  const panel = coloured(base(new timeseries.PanelBuilder(), spec), spec.byClass)
    .showPoints(VisibilityMode.Never)
    .lineWidth(1)
    .fillOpacity(spec.stacked ? 70 : 0)
    .tooltip(new VizTooltipOptionsBuilder().mode(TooltipDisplayMode.Multi).sort(SortOrder.Descending))
    .legend(
      new VizLegendOptionsBuilder()
        .displayMode(LegendDisplayMode.List)
        .placement(LegendPlacement.Bottom)
        .showLegend(true)
        .calcs([]),
    );
  return spec.stacked ? panel.stacking(new StackingConfigBuilder().mode(StackingMode.Normal).group('A')) : panel;
}

function buildTable(spec: PanelSpec & { kind: 'table' }): Builder<Panel> {
  const panel = base(new table.PanelBuilder(), spec)
    .filterable(true)
    .withTransformation({ id: 'merge', options: {} })
    .withTransformation(columnsOf(spec.columns));
  return spec.columns.reduce(
    (made, { title, unit }) => (unit === undefined ? made : made.overrideByName(title, [{ id: 'unit', value: unit }])),
    panel,
  );
}

/** Orders and names the columns; every other field of the answer is hidden. */
function columnsOf(columns: readonly Column[]): DataTransformerConfig {
  return {
    id: 'organize',
    options: {
      indexByName: Object.fromEntries(columns.map(({ field }, index) => [field, index])),
      renameByName: Object.fromEntries(columns.map(({ field, title }) => [field, title])),
      includeByName: Object.fromEntries(columns.map(({ field }) => [field, true])),
    },
  };
}

/** What the SDK's panel builders have in common; it has no type for it. */
interface AnyPanel extends Builder<Panel> {
  id(id: number): this;
  title(title: string): this;
  description(text: string): this;
  datasource(source: typeof datasource): this;
  unit(unit: string): this;
  min(min: number): this;
  max(max: number): this;
  span(width: number): this;
  height(height: number): this;
  interval(interval: string): this;
  noValue(text: string): this;
  withTarget(target: DataqueryBuilder): this;
  overrideByRegexp(regexp: string, properties: DynamicConfigValue[]): this;
}

function base<P extends AnyPanel>(panel: P, spec: PanelSpec): P {
  panel
    .id(spec.id)
    .title(spec.title)
    .description(spec.description)
    .datasource(datasource)
    .unit(spec.unit)
    .span(spec.width)
    .height(spec.height)
    // Verdicts are booked in 10-s slots: a finer step shows nothing more.
    .interval('10s');
  if (spec.kind !== 'table') panel.min(0);
  if (spec.max !== undefined) panel.max(spec.max);
  if (spec.noValue !== undefined) panel.noValue(spec.noValue);
  spec.targets.forEach((target, index) => panel.withTarget(buildTarget(target, index, spec.kind)));
  return panel;
}

function buildTarget(target: Target, index: number, kind: PanelSpec['kind']): DataqueryBuilder {
  const query = new DataqueryBuilder()
    .datasource(datasource)
    .refId(String.fromCharCode('A'.charCodeAt(0) + index))
    .expr(target.expr);
  if (target.legend !== undefined) query.legendFormat(target.legend);
  switch (kind) {
    case 'table':
      return query.instant().format(PromQueryFormat.Table);
    case 'bars':
      return query.instant();
    case 'stat':
    case 'lines':
    case 'grid':
      return query.range();
  }
}

/** Classes of one hue are its shades, as on our own page one hue; the legend tells them apart. */
function coloured<P extends AnyPanel>(panel: P, byClass = false): P {
  if (!byClass) return panel;
  for (const [hue, names] of Map.groupBy(leafClasses, (name) => leaves[name].hue))
    panel.overrideByRegexp(`/^(${names.join('|').replaceAll('.', '\\.')})$/`, [
      { id: 'color', value: { mode: FieldColorModeId.Shades, fixedColor: hueColours[hue] } },
    ]);
  return panel;
}

function lastValue(): ReduceDataOptionsBuilder {
  return new ReduceDataOptionsBuilder().calcs(['lastNotNull']).values(false);
}
