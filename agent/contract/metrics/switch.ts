// Managed InfiniBand switches as their own command line tells (MLNX-OS, Onyx). `guid` is the switch's configured name where
// its GUID was not said, so that a join through switch_info always works.
import { rowsOf, type MetricRow } from './row.ts';

const { gauge, info } = rowsOf('fabric');
const lane = 'server';
const own = ['guid'] as const;
const perFan = ['guid', 'fan'] as const;
const perSupply = ['guid', 'supply'] as const;

export const switchRows = {
  switch_info: info({
    labels: ['guid', 'name', 'product', 'firmware', 'serial'],
    help: 'What the switch is',
    title: 'Switch',
    source: 'show version, show inventory',
    lane,
  }),
  switch_up: gauge('boolean', {
    labels: own,
    help: 'The last reading of the switch succeeded',
    title: 'Switch up',
    source: 'own',
    lane,
  }),
  switch_uptime_seconds: gauge('seconds', {
    labels: own,
    help: 'Time since the switch started',
    title: 'Uptime',
    source: 'show version Uptime',
    scale: 1000,
    lane,
  }),
  switch_temperature_celsius: gauge('celsius', {
    labels: ['guid', 'sensor'],
    help: 'Temperature at a sensor of the switch',
    title: 'Switch temperature',
    source: 'show temperature',
    scale: 1000,
    lane,
  }),
  switch_fan_speed_rpm: gauge('rpm', {
    labels: perFan,
    help: 'Turns of the fan a minute',
    title: 'Fan speed',
    source: 'show fan',
    lane,
  }),
  switch_fan_up: gauge('boolean', {
    labels: perFan,
    help: 'The switch says that the fan is well',
    title: 'Fan',
    source: 'show fan Status',
    lane,
  }),
  switch_power_supply_up: gauge('boolean', {
    labels: perSupply,
    help: 'The switch says that the power supply is well',
    title: 'Power supply',
    source: 'show power Status',
    lane,
  }),
  switch_power_watts: gauge('watts', {
    labels: perSupply,
    help: 'Power that the supply delivers',
    title: 'Power',
    source: 'show power',
    scale: 1000,
    lane,
  }),
} as const satisfies Record<string, MetricRow>;
