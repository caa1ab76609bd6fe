// What the hardware reports of itself beside its work: PCIe errors, memory errors, temperatures and fans.
import { rowsOf, type MetricRow } from './row.ts';

const pcie = rowsOf('pcie');

export const pcieRows = {
  pcie_aer_errors_total: pcie.counter('count', {
    labels: ['pci_bus_id', 'severity', 'error'],
    help: 'Errors the PCI device reported',
    title: 'PCIe errors',
    source: 'sys/bus/pci/devices/BDF/aer_dev_correctable, _nonfatal, _fatal',
    lane: 'slow',
  }),
} as const satisfies Record<string, MetricRow>;

const edac = rowsOf('edac');
const memoryErrors = (title: string, help: string, file: string) =>
  edac.counter('count', { labels: ['controller'], help, title, source: `edac/mc/MC/${file}`, lane: 'slow' });

export const edacRows = {
  edac_correctable_errors_total: memoryErrors('Memory errors corrected', 'Memory errors corrected', 'ce_count'),
  edac_uncorrectable_errors_total: memoryErrors(
    'Memory errors uncorrected',
    'Memory errors that could not be corrected',
    'ue_count',
  ),
} as const satisfies Record<string, MetricRow>;

const hwmon = rowsOf('hwmon');
const sensor = ['chip', 'sensor'] as const;

export const hwmonRows = {
  hwmon_temperature_celsius: hwmon.gauge('celsius', {
    labels: sensor,
    help: 'Temperature at a sensor of the host',
    title: 'Temperature',
    source: 'class/hwmon/temp*_input',
    scale: 1000,
    lane: 'slow',
  }),
  hwmon_fan_rpm: hwmon.gauge('rpm', {
    labels: sensor,
    help: 'Speed of a fan of the host',
    title: 'Fan',
    source: 'class/hwmon/fan*_input',
    lane: 'slow',
  }),
} as const satisfies Record<string, MetricRow>;
