// The scores as people read them.
import type { DetectReport } from './detect.ts';

export function renderDetect(report: DetectReport): string {
  const { per_class, confusion, calibration, false_alarms, time_to_label_s, lost_seconds_error } = report;
  const rows = Object.entries(per_class).map(([cause, { precision, recall, f1, n }]) => {
    const other = Object.entries(confusion[cause] ?? {}).filter(([found]) => found !== cause);
    const taken = other.map(([found, times]) => `${found} ${times}`).join(', ');
    return [cause, ratio(precision), ratio(recall), ratio(f1), n, taken].join('\t');
  });
  const sure = Object.entries(calibration).map(([confidence, { right, n }]) => `${confidence} ${ratio(right)} of ${n}`);
  return [
    'cause\tprecision\trecall\tF1\tn\ttaken for',
    ...rows,
    `# seed ${report.seed}, signals ${report.signals}, ${report.episodes} episodes`,
    `# macro F1 ${ratio(report.macro_f1)}, of 10-s slots ${ratio(report.window_macro_f1)}`,
    `# right owner ${ratio(report.owner_accuracy)} where a cause was named`,
    `# time to label: median ${seconds(time_to_label_s.p50)}, p95 ${seconds(time_to_label_s.p95)}`,
    `# lost GPU-seconds: error median ${ratio(lost_seconds_error.p50)}, p90 ${ratio(lost_seconds_error.p90)}, bias ${ratio(lost_seconds_error.bias)}`,
    `# speed-up within 20 %: ${ratio(report.speedup_within_20_percent)}`,
    `# false alarms in ${false_alarms.healthy_gpu_hours} healthy GPU-hours: ${false_alarms.warning} warnings, ${false_alarms.critical} critical`,
    `# right by confidence: ${sure.join(', ')}`,
    '',
  ].join('\n');
}

function ratio(value: number | null): string {
  return value === null ? '-' : value.toFixed(3);
}

function seconds(value: number | null): string {
  return value === null ? '-' : `${Math.round(value)} s`;
}
