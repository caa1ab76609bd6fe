// Rows about the machines: disks, InfiniBand, CPU and memory by node.
import type { RowSpec } from '../panel.ts';
import { selected } from '../promql.ts';
import { unitOf } from '../units.ts';
import { byNode, lines, rate, traffic } from './parts.ts';

export const storage: RowSpec = {
  id: 102,
  title: 'Storage and fabric',
  panels: [
    traffic(12, 'Disk read by node', 'Data read from the node’s own disks', 'disk_read_bytes_total'),
    traffic(13, 'Disk written by node', 'Data written to the node’s own disks', 'disk_written_bytes_total'),
    {
      ...lines(
        14,
        'Slowest disks, reads',
        'Mean time of a read, queueing included, of the ten slowest disks that read at all',
        `topk(10, ${rate(selected('disk_read_time_seconds_total'))} / (${rate(selected('disk_reads_completed_total'))} > 0))`,
        '{{node}} {{device}}',
      ),
      unit: 's',
    },
    {
      ...lines(
        15,
        'I/O pressure by node',
        'Share of time in which some process waited for I/O',
        rate(selected('pressure_io_waiting_seconds_total')),
      ),
      unit: unitOf('pressure_io_waiting_seconds_total'),
      max: 1,
    },
    traffic(
      16,
      'InfiniBand received by node',
      'Data received through all ports of a node',
      'infiniband_port_data_received_bytes_total',
    ),
    traffic(
      17,
      'InfiniBand sent by node',
      'Data sent through all ports of a node',
      'infiniband_port_data_transmitted_bytes_total',
    ),
  ],
};

export const hosts: RowSpec = {
  id: 103,
  title: 'Hosts',
  panels: [
    {
      ...lines(
        18,
        'CPU busy by node',
        'Share of CPU time that was neither idle nor waiting for I/O',
        `${byNode(rate(selected('cpu_seconds_total', { mode: '!~"idle|iowait"' })))} / ${byNode(rate(selected('cpu_seconds_total')))}`,
      ),
      unit: 'percentunit',
      max: 1,
    },
    {
      ...lines(
        19,
        'Memory available by node',
        'Share of memory that can be had without swapping',
        `${byNode(selected('memory_available_bytes'))} / ${byNode(selected('memory_total_bytes'))}`,
      ),
      unit: 'percentunit',
      max: 1,
    },
  ],
};
