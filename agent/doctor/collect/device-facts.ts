// What one reading and the PCI bus say of InfiniBand, NVMe and mounts. Class codes: PCI code and ID assignment specification.
import type { Tree } from '../../sources/tree.ts';
import type { InfinibandFacts, MountFacts, NodeFacts, NvmeFacts } from '../facts.ts';
import type { SeriesFacts } from './series-facts.ts';

const PCI_DEVICES = 'sys/bus/pci/devices';
const INFINIBAND_CLASS = /^0x0207/;
const NVME_CLASS = /^0x010802/;

export function readInfiniband(tree: Tree, series: SeriesFacts): InfinibandFacts {
  const layers = new Map(
    series.all('infiniband_port_info').map(({ label }) => [`${label('device')}/${label('port')}`, label('link_layer')]),
  );
  return {
    onBus: countOnBus(tree, INFINIBAND_CLASS),
    ports: series.all('infiniband_state_id').map(({ value, label }) => {
      const name = `${label('device')}/${label('port')}`;
      return { name, state: Number.isNaN(value) ? undefined : value, isRoce: layers.get(name) === 'Ethernet' };
    }),
  };
}

export function readNvme(tree: Tree, series: SeriesFacts): NvmeFacts {
  return {
    onBus: countOnBus(tree, NVME_CLASS),
    controllers: series.all('nvme_controller_up').length,
    down: series.labelsWhere('nvme_controller_up', 'controller', 0),
  };
}

export function readMounts(series: SeriesFacts): MountFacts {
  const mounts = series.all('filesystem_up');
  const silent = mounts.filter(({ value }) => value === 0);
  return {
    count: mounts.length,
    silent: silent.map(({ label }) => ({ mountpoint: label('mountpoint'), device: label('device') })),
  };
}

export function readFailed(series: SeriesFacts): NodeFacts['failed'] {
  return series.labelsWhere('collector_up', 'area', 0).map((area) => ({
    area,
    reason: series.labelsWhere('collector_timeouts_total', 'area', 0).includes(area) ? 'malformed' : 'timed_out',
  }));
}

function countOnBus(tree: Tree, kinds: RegExp): number {
  return tree
    .names(PCI_DEVICES)
    .filter((name) => kinds.test(tree.word(`${PCI_DEVICES}/${name}/class`) ?? ''))
    .filter((name) => !tree.exists(`${PCI_DEVICES}/${name}/physfn`)).length;
}
