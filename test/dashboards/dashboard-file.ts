// The parts of Grafana's dashboard model that tests read. https://grafana.com/docs/grafana/latest/dashboards/build-dashboards/view-dashboard-json-model/
interface DatasourceJson {
  readonly type: string;
  readonly uid: string;
}

export interface TargetJson {
  readonly refId: string;
  readonly expr: string;
  readonly datasource: DatasourceJson;
  readonly format?: string;
  readonly legendFormat?: string;
  readonly instant?: boolean;
}

export interface PanelJson {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly description?: string;
  readonly datasource?: DatasourceJson;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly fieldConfig: { readonly defaults: { readonly unit?: string } };
  readonly options?: { readonly reduceOptions?: { readonly calcs: readonly string[] } };
  readonly targets?: readonly TargetJson[];
}

export interface DashboardFile {
  readonly uid: string;
  readonly title: string;
  readonly tags: readonly string[];
  readonly graphTooltip: number;
  readonly editable: boolean;
  readonly schemaVersion: number;
  readonly panels: readonly PanelJson[];
  readonly templating: {
    readonly list: readonly {
      readonly name: string;
      readonly type: string;
      readonly query: unknown;
      readonly datasource?: DatasourceJson;
    }[];
  };
}
