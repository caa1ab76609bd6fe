// The derived series of one node. Where its devices are is looked up once per schema.
import type { AgentMetricId, DerivedMetricId } from '#agent/contract';
import type { FleetNode } from '../fleet/node.ts';
import type { NodeSchema, PublishedSeries } from '../fleet/schema.ts';
import { DerivedDisk, newMemory, type DiskMemory } from './disk.ts';
import { DerivedPort } from './port.ts';
import type { DerivedSeries } from './series.ts';

export class DerivedNode {
  #generation = -1;
  #ports: ReadonlyMap<string, DerivedPort> = new Map();
  #disks: ReadonlyMap<string, DerivedDisk> = new Map();
  #series: ReadonlyMap<DerivedMetricId, readonly DerivedSeries[]> = new Map();

  get series(): ReadonlyMap<DerivedMetricId, readonly DerivedSeries[]> {
    return this.#series;
  }

  renew(node: FleetNode): void {
    if (node.generation !== this.#generation) this.#adopt(node);
    for (const port of this.#ports.values()) port.renew(node);
    for (const disk of this.#disks.values()) disk.renew(node);
  }

  #adopt({ generation, schema }: FleetNode): void {
    this.#generation = generation;
    this.#ports = portsOf(schema, this.#ports);
    this.#disks = disksOf(schema, this.#disks);
    const all = [...this.#ports.values(), ...this.#disks.values()].flatMap(({ series }) => series);
    this.#series = Map.groupBy(all, ({ id }) => id);
  }
}

/** Series of one metric by the device they are of: the first labels of both. */
type Find = (metric: AgentMetricId, ...device: readonly string[]) => PublishedSeries | undefined;

function finderOf({ byMetric }: NodeSchema): Find {
  const tables = new Map<AgentMetricId, ReadonlyMap<string, PublishedSeries>>();
  return (metric, ...device) => {
    let table = tables.get(metric);
    if (!table) {
      const all = byMetric.get(metric) ?? [];
      table = new Map(all.map((series) => [series.labels.slice(0, device.length).join('\0'), series]));
      tables.set(metric, table);
    }
    return table.get(device.join('\0'));
  };
}

function portsOf(schema: NodeSchema, before: ReadonlyMap<string, DerivedPort>): ReadonlyMap<string, DerivedPort> {
  const find = finderOf(schema);
  return new Map(
    (schema.byMetric.get('infiniband_data_rate_bytes_per_second') ?? []).map((dataRate) => {
      const labels = dataRate.labels.slice(0, 2);
      const port = new DerivedPort(labels, {
        received: find('infiniband_port_data_received_bytes_total', ...labels),
        transmitted: find('infiniband_port_data_transmitted_bytes_total', ...labels),
        dataRate,
        lanes: find('infiniband_link_width_lanes', ...labels),
        wait: find('infiniband_port_transmit_wait_ticks_total', ...labels),
        tick: find('infiniband_port_transmit_wait_tick_bytes', ...labels),
      });
      const key = labels.join('\0');
      port.keep(before.get(key)?.learnedTick);
      return [key, port];
    }),
  );
}

function disksOf(schema: NodeSchema, before: ReadonlyMap<string, DerivedDisk>): ReadonlyMap<string, DerivedDisk> {
  const find = finderOf(schema);
  return new Map(
    (schema.byMetric.get('disk_reads_completed_total') ?? []).map((reads) => {
      const [device = ''] = reads.labels;
      const controller = controllerOf(find('disk_info', device));
      const inputs = {
        reads,
        readTime: find('disk_read_time_seconds_total', device),
        readBytes: find('disk_read_bytes_total', device),
        writes: find('disk_writes_completed_total', device),
        writeTime: find('disk_write_time_seconds_total', device),
        writtenBytes: find('disk_written_bytes_total', device),
        weighted: find('disk_io_time_weighted_seconds_total', device),
        generation: controller === '' ? undefined : find('nvme_pcie_link_generation', controller),
        width: controller === '' ? undefined : find('nvme_pcie_link_width', controller),
      };
      const memory: DiskMemory = before.get(device)?.memory ?? newMemory();
      return [device, new DerivedDisk(device, inputs, memory)];
    }),
  );
}

function controllerOf(info: PublishedSeries | undefined): string {
  return info?.labels[info.row.labels.indexOf('controller')] ?? '';
}
