// Health of NVMe drives: the SMART / health information log (NVM Express base specification, log page 02h), as nvme-cli or
// smartctl print it. Asked for every ten minutes, one drive at a time.
import { rowsOf, type MetricRow } from './row.ts';

const { counter, gauge } = rowsOf('nvme');
const labels = ['controller'] as const;
const lane = 'slow';

/** A percentage of the log. */
const share = (title: string, help: string, field: string) =>
  gauge('ratio', { labels, help, title, source: `smart-log ${field}`, scale: 100, lane });
const count = (title: string, help: string, field: string) =>
  counter('count', { labels, help, title, source: `smart-log ${field}`, lane });
const data = (title: string, help: string, field: string) =>
  counter('bytes', { labels, help, title, source: `smart-log ${field} x512000`, lane });
const time = (title: string, help: string, field: string) =>
  counter('seconds', { labels, help, title, source: `smart-log ${field}`, lane });

export const nvmeHealthRows = {
  nvme_critical_warning: gauge('boolean', {
    labels: ['controller', 'kind'],
    help: 'The drive warns of this: spare, temperature, reliability, read_only, volatile_backup, pmr_read_only',
    title: 'Critical warning',
    source: 'smart-log critical_warning',
    lane,
  }),
  nvme_used_ratio: share('Used', 'Share of the life that the maker promised; may pass 1', 'percentage_used'),
  nvme_available_spare_ratio: share('Spare', 'Spare capacity that is left', 'available_spare'),
  nvme_available_spare_threshold_ratio: share(
    'Spare, least',
    'Spare capacity below which the drive warns',
    'available_spare_threshold',
  ),
  nvme_host_read_bytes_total: data(
    'Read in its life',
    'Data the host read in the life of the drive',
    'data_units_read',
  ),
  nvme_host_written_bytes_total: data(
    'Written in its life',
    'Data the host wrote in the life of the drive',
    'data_units_written',
  ),
  nvme_media_errors_total: count('Media errors', 'Data that the drive could not bring back unharmed', 'media_errors'),
  nvme_error_log_entries_total: count(
    'Error log entries',
    'Entries of the error log in the life of the drive; alone they are harmless',
    'num_err_log_entries',
  ),
  nvme_unsafe_shutdowns_total: count('Unsafe shutdowns', 'Power lost without notice', 'unsafe_shutdowns'),
  nvme_power_cycles_total: count('Power cycles', 'Times the drive was powered on', 'power_cycles'),
  nvme_power_on_seconds_total: time('Power on', 'Time the drive was powered', 'power_on_hours x3600'),
  nvme_controller_busy_seconds_total: time(
    'Controller busy',
    'Time the controller worked on I/O commands',
    'controller_busy_time x60',
  ),
} as const satisfies Record<string, MetricRow>;
