// A Grafana dashboard out of rows of panels: variables, links, positions. Provisioned as it is, without an import dialog.
import {
  DashboardBuilder,
  DashboardCursorSync,
  DashboardLinkType,
  DashboardLinkBuilder,
  DatasourceVariableBuilder,
  QueryVariableBuilder,
  RowBuilder,
  VariableRefresh,
  VariableSort,
} from '@grafana/grafana-foundation-sdk/dashboard';
import { buildPanel, datasource, type RowSpec } from './panel.ts';
import { series } from './promql.ts';

const tag = 'whyidle';

/** The text of a dashboard's file. */
export function renderDashboard(uid: string, page: string, description: string, rows: readonly RowSpec[]): string {
  // eslint-disable-next-line @typescript-eslint/no-deprecated -- its successor is read by Grafana 12 alone, and not yet by file provisioning
  const builder = new DashboardBuilder(`whyidle / ${page}`)
    .uid(uid)
    .description(description)
    .tags([tag])
    .editable()
    .tooltip(DashboardCursorSync.Crosshair)
    .time({ from: 'now-1h', to: 'now' })
    .refresh('30s')
    .timezone('browser')
    .annotations([])
    .link(linkToOthers())
    .withVariable(new DatasourceVariableBuilder('datasource').label('Data source').type('prometheus'))
    .withVariable(jobVariable())
    .withVariable(nodeVariable());
  for (const row of rows) {
    builder.withRow(new RowBuilder(row.title).id(row.id));
    for (const panel of row.panels) builder.withPanel(buildPanel(panel));
  }
  return `${JSON.stringify({ __requires: requirementsOf(rows), ...builder.build() }, null, 2)}\n`;
}

function linkToOthers(): DashboardLinkBuilder {
  return new DashboardLinkBuilder('whyidle')
    .type(DashboardLinkType.Dashboards)
    .tags([tag])
    .asDropdown(true)
    .includeVars(true)
    .keepTime(true);
}

/** One job at a time: whoever scrapes the whole fleet and single nodes would otherwise count every GPU twice. */
function jobVariable(): QueryVariableBuilder {
  return labelVariable('job', 'Job', series('node_info'));
}

function nodeVariable(): QueryVariableBuilder {
  return labelVariable('node', 'Node', series('node_info', { job: '=~"$job"' }))
    .multi(true)
    .includeAll(true)
    .allValue('.+')
    .current({ text: 'All', value: '$__all', selected: true });
}

function labelVariable(name: string, label: string, of: string): QueryVariableBuilder {
  return new QueryVariableBuilder(name)
    .label(label)
    .datasource(datasource)
    .query({ query: `label_values(${of}, ${name})`, refId: name })
    .refresh(VariableRefresh.OnTimeRangeChanged)
    .sort(VariableSort.AlphabeticalAsc);
}

/** What grafana.com and Grafana itself check before a dashboard is loaded. */
function requirementsOf(rows: readonly RowSpec[]): readonly object[] {
  const panels = new Set(rows.flatMap((row) => row.panels.map((panel) => buildPanel(panel).build().type)));
  return [
    { type: 'grafana', id: 'grafana', name: 'Grafana', version: '10.4.0' },
    { type: 'datasource', id: 'prometheus', name: 'Prometheus', version: '1.0.0' },
    ...[...panels].toSorted().map((id) => ({ type: 'panel', id, name: id, version: '' })),
  ];
}
