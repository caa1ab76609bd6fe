// The host: CPU, memory, pressure, network, and what the machine is.
import { rowsOf, type MetricRow } from './row.ts';

const cpu = rowsOf('cpu');
const numa = ['numa_node'] as const;
const load = (minutes: number) =>
  cpu.gauge('none', {
    help: `Load average of ${String(minutes)} min`,
    title: `Load ${String(minutes)} min`,
    source: 'proc/loadavg',
    scale: 100,
    lane: 'medium',
  });

export const cpuRows = {
  cpu_seconds_total: cpu.counter('seconds', {
    labels: ['numa_node', 'mode'],
    help: 'CPU time of all CPUs of the NUMA node',
    title: 'CPU time',
    source: 'proc/stat',
    scale: 100,
  }),
  cpus: cpu.gauge('count', {
    labels: numa,
    help: 'CPUs of the NUMA node',
    title: 'CPUs',
    source: 'sys/devices/system/node',
    lane: 'inventory',
  }),
  cpu_busiest_ratio: cpu.gauge('ratio', {
    labels: numa,
    help: 'Busiest single CPU of the interval',
    title: 'Busiest CPU',
    source: 'proc/stat',
    scale: 1000,
  }),
  cpu_throttles_total: cpu.counter('count', {
    labels: ['kind'],
    help: 'Times the CPUs were slowed down for heat, counted per core and per package',
    title: 'CPU throttles',
    source: 'cpu*/thermal_throttle/core_throttle_count, package_throttle_count',
    lane: 'slow',
  }),
  procs_running: cpu.gauge('count', {
    help: 'Processes that run or wait for a CPU',
    title: 'Running',
    source: 'proc/stat procs_running',
  }),
  procs_blocked: cpu.gauge('count', {
    help: 'Processes that wait for I/O',
    title: 'Blocked',
    source: 'proc/stat procs_blocked',
  }),
  load1: load(1),
  load5: load(5),
  load15: load(15),
} as const satisfies Record<string, MetricRow>;

const memory = rowsOf('memory');
const amount = (title: string, help: string, source: string) => memory.gauge('bytes', { help, title, source });
const events = (title: string, help: string, source: string) => memory.counter('count', { help, title, source });
const pages = (title: string, help: string, name: string) =>
  memory.counter('count', { labels: numa, help, title, source: `node*/numastat ${name}`, lane: 'slow' });

export const memoryRows = {
  memory_total_bytes: amount('Memory', 'Memory of the host', 'proc/meminfo MemTotal'),
  memory_available_bytes: amount('Available', 'Memory that can be had without swapping', 'proc/meminfo MemAvailable'),
  memory_cached_bytes: amount('Page cache', 'Page cache', 'proc/meminfo Cached'),
  memory_dirty_bytes: amount('Dirty', 'Pages waiting to be written', 'proc/meminfo Dirty'),
  memory_writeback_bytes: amount('Writeback', 'Pages being written', 'proc/meminfo Writeback'),
  memory_swap_used_bytes: amount('Swap used', 'Swap in use', 'proc/meminfo SwapTotal - SwapFree'),
  vmstat_pgmajfault_total: events('Major faults', 'Page faults that needed I/O', 'proc/vmstat pgmajfault'),
  vmstat_oom_kill_total: events('OOM kills', 'Processes killed for want of memory', 'proc/vmstat oom_kill'),
  vmstat_allocstall_total: events(
    'Allocation stalls',
    'Allocations that had to reclaim memory themselves',
    'proc/vmstat allocstall_*',
  ),
  numa_miss_total: pages('NUMA misses', 'Pages the node gave because the node asked for had none', 'numa_miss'),
  numa_foreign_total: pages('NUMA foreign', 'Pages asked of the node that another one gave', 'numa_foreign'),
} as const satisfies Record<string, MetricRow>;

const pressure = rowsOf('pressure');
const stall = (title: string, help: string, source: string) =>
  pressure.counter('seconds', { help, title, source, scale: 1_000_000 });

export const pressureRows = {
  pressure_cpu_waiting_seconds_total: stall(
    'CPU waiting',
    'Time in which some process waited for a CPU',
    'proc/pressure/cpu some',
  ),
  pressure_io_waiting_seconds_total: stall(
    'I/O waiting',
    'Time in which some process waited for I/O',
    'proc/pressure/io some',
  ),
  pressure_io_stalled_seconds_total: stall(
    'I/O stalled',
    'Time in which all processes waited for I/O',
    'proc/pressure/io full',
  ),
  pressure_memory_waiting_seconds_total: stall(
    'Memory waiting',
    'Time in which some process waited for memory',
    'proc/pressure/memory some',
  ),
  pressure_memory_stalled_seconds_total: stall(
    'Memory stalled',
    'Time in which all processes waited for memory',
    'proc/pressure/memory full',
  ),
  pressure_irq_stalled_seconds_total: stall(
    'IRQ stalled',
    'Time in which all processes waited for interrupts',
    'proc/pressure/irq full',
  ),
} as const satisfies Record<string, MetricRow>;

const network = rowsOf('network');
const device = ['device'] as const;
const traffic = (title: string, help: string, source: string) =>
  network.counter('bytes', { labels: device, help, title, source });
const packets = (title: string, help: string, source: string) =>
  network.counter('count', { labels: device, help, title, source });

export const networkRows = {
  network_receive_bytes_total: traffic('Received', 'Data received', 'proc/net/dev'),
  network_transmit_bytes_total: traffic('Sent', 'Data sent', 'proc/net/dev'),
  network_receive_packets_total: packets('Packets received', 'Packets received', 'proc/net/dev'),
  network_transmit_packets_total: packets('Packets sent', 'Packets sent', 'proc/net/dev'),
  network_receive_errs_total: packets('Receive errors', 'Packets received with errors', 'proc/net/dev'),
  network_transmit_errs_total: packets('Send errors', 'Packets that could not be sent', 'proc/net/dev'),
  network_receive_drop_total: packets('Receive drops', 'Received packets dropped', 'proc/net/dev'),
  network_transmit_drop_total: packets('Send drops', 'Outbound packets that the interface dropped', 'proc/net/dev'),
  network_speed_bytes_per_second: network.gauge('bytes_per_second', {
    labels: device,
    help: 'Link speed',
    title: 'Speed',
    source: 'class/net/IF/speed',
    lane: 'slow',
  }),
  network_up: network.gauge('boolean', {
    labels: device,
    help: 'The interface is up',
    title: 'Up',
    source: 'class/net/IF/operstate',
    lane: 'slow',
  }),
} as const satisfies Record<string, MetricRow>;

const host = rowsOf('host');

export const hostRows = {
  node_info: host.info({
    labels: ['kernel', 'os', 'arch', 'product', 'vendor', 'boot_id', 'agent_version', 'via'],
    help: 'What the node is',
    title: 'Node',
    source: 'inventory',
  }),
  node_boot_timestamp_seconds: host.gauge('timestamp_seconds', {
    help: 'When the node booted',
    title: 'Booted',
    source: 'proc/stat btime',
    lane: 'inventory',
  }),
} as const satisfies Record<string, MetricRow>;
