// What an alert of Prometheus is. https://prometheus.io/docs/prometheus/latest/configuration/alerting_rules/

export interface AlertRule {
  readonly alert: string;
  readonly expr: string;
  readonly for: string;
  readonly labels: { readonly severity: 'critical' | 'warning' | 'info' };
  readonly annotations: { readonly summary: string; readonly description: string; readonly runbook_url: string };
}

/** What is written by hand of one; the rest follows from its name. */
export interface AlertDetails {
  readonly expr: string;
  readonly for: string;
  readonly severity: AlertRule['labels']['severity'];
  readonly summary: string;
  readonly description: string;
}
