// The PCI tree of a DGX-1 (its buses as documented, its distances as `nvidia-smi topo -m` of one prints them), and odd ones.
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { pciPathBetween } from '../../../../agent/collectors/gpu/pci-path.ts';
import { readInfinibandAdapters, readPciGpus } from '../../../../agent/collectors/gpu/pci-tree.ts';
import { GpuTopology } from '../../../../agent/collectors/gpu/topology.ts';
import { defaultInfinibandSettings } from '../../../../agent/collectors/infiniband/settings.ts';
import { Snapshot } from '../../../../agent/snapshot.ts';
import { Tree } from '../../../../agent/sources/tree.ts';
import { writeLinks, writeTree } from '../../../corpus/write-tree.ts';

let root: string;
let tree: Tree;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'whyidle-topology-'));
  tree = new Tree(root);
});
afterEach(() => {
  tree.close();
  rmSync(root, { recursive: true, force: true });
});

interface Device {
  /** Below sys/devices, the device last. */
  readonly chain: string;
  readonly class?: string;
  readonly vendor?: string;
  readonly numa?: string;
  readonly infiniband?: string;
  readonly driver?: string;
  readonly isVirtual?: boolean;
}

function plug(device: Device): void {
  const { chain, vendor = '0x10de', numa = '0', infiniband, driver } = device;
  const path = `sys/devices/${chain}`;
  const address = chain.split('/').at(-1) ?? '';
  const kind = device.class ?? (infiniband === undefined ? '0x030200' : '0x020700');
  writeTree(root, {
    [`${path}/vendor`]: `${vendor}\n`,
    [`${path}/class`]: `${kind}\n`,
    [`${path}/numa_node`]: `${numa}\n`,
  });
  writeLinks(root, { [`sys/bus/pci/devices/${address}`]: path });
  if (driver !== undefined) {
    mkdirSync(join(root, `sys/bus/pci/drivers/${driver}`), { recursive: true });
    writeLinks(root, { [`${path}/driver`]: `sys/bus/pci/drivers/${driver}` });
  }
  if (device.isVirtual === true) writeLinks(root, { [`${path}/physfn`]: 'sys/devices' });
  if (infiniband === undefined) return;
  const adapter = `${path}/infiniband/${infiniband}`;
  mkdirSync(join(root, adapter), { recursive: true });
  writeLinks(root, { [`${adapter}/device`]: path, [`sys/class/infiniband/${infiniband}`]: adapter });
}

/** A switch of a DGX-1: one bridge up, one down for each of an adapter and two GPUs. */
function plugSwitch(at: {
  host: string;
  port: string;
  up: string;
  numa: string;
  devices: readonly (readonly [string, string?])[];
}): void {
  for (const [index, [address, infiniband]] of at.devices.entries()) {
    const down = `0000:${(Number.parseInt(at.up, 16) + 1).toString(16).padStart(2, '0')}:${(index * 4).toString(16).padStart(2, '0')}.0`;
    plug({
      chain: `pci0000:${at.host}/0000:${at.host}:${at.port}.0/0000:${at.up}:00.0/${down}/0000:${address}:00.0`,
      numa: at.numa,
      ...(infiniband === undefined ? {} : { infiniband, vendor: '0x15b3' }),
    });
  }
}

function plugDgx1(): void {
  plugSwitch({ host: '00', port: '02', up: '03', numa: '0', devices: [['05', 'mlx5_0'], ['06'], ['07']] });
  plugSwitch({ host: '00', port: '03', up: '08', numa: '0', devices: [['0a'], ['0b'], ['0c', 'mlx5_1']] });
  plugSwitch({ host: '80', port: '02', up: '82', numa: '1', devices: [['84', 'mlx5_2'], ['85'], ['86']] });
  plugSwitch({ host: '80', port: '03', up: '87', numa: '1', devices: [['89'], ['8a'], ['8b', 'mlx5_3']] });
}

const gpuBuses = ['06', '07', '0a', '0b', '85', '86', '89', '8a'];
const identities = gpuBuses.map((bus, index) => ({
  gpu: String(index),
  uuid: `GPU-${bus}`,
  pci_bus_id: `00000000:${bus}:00.0`,
}));

describe('a DGX-1', () => {
  it('has the distances that nvidia-smi prints', () => {
    plugDgx1();
    const { gpus } = readPciGpus(tree);
    const adapters = readInfinibandAdapters(tree);
    expect(gpus.map(({ address }) => address)).toEqual(identities.map(({ pci_bus_id }) => pci_bus_id));
    expect(gpus.map((gpu) => adapters.map((adapter) => pciPathBetween(gpu, adapter)).join(' '))).toEqual([
      'PIX PHB SYS SYS',
      'PIX PHB SYS SYS',
      'PHB PIX SYS SYS',
      'PHB PIX SYS SYS',
      'SYS SYS PIX PHB',
      'SYS SYS PIX PHB',
      'SYS SYS PHB PIX',
      'SYS SYS PHB PIX',
    ]);
  });

  it('shows the nearest adapter and the NUMA node of each GPU', () => {
    plugDgx1();
    const { topology, nearest, expected } = show();
    topology.discover(identities);
    expect(nearest()).toEqual([
      '0 mlx5_0 PIX',
      '1 mlx5_0 PIX',
      '2 mlx5_1 PIX',
      '3 mlx5_1 PIX',
      '4 mlx5_2 PIX',
      '5 mlx5_2 PIX',
      '6 mlx5_3 PIX',
      '7 mlx5_3 PIX',
    ]);
    expect(identities.map(({ pci_bus_id }) => topology.numaNode(pci_bus_id)).join('')).toBe('00001111');
    expect(expected()).toBe(8);
    expect(topology.nvswitches()).toBe(0);
  });

  it('passes over an adapter that is to be left alone', () => {
    plugDgx1();
    const { topology, nearest } = show(['mlx5_0', '0000:8b:00.0']);
    topology.discover(identities);
    expect(nearest().filter((line) => /^[06] /.test(line))).toEqual(['0 mlx5_1 PHB', '6 mlx5_2 PHB']);
  });
});

function show(exclude: readonly string[] = []) {
  const snapshot = new Snapshot();
  const infiniband = { ...defaultInfinibandSettings, exclude };
  const topology = new GpuTopology({ tree, snapshot, infiniband });
  return {
    snapshot,
    topology,
    nearest: () =>
      snapshot.series
        .filter(({ id }) => id === 'gpu_nearest_infiniband_info')
        .map(({ labels: [gpu, , , device, path] }) => `${gpu} ${device} ${path}`),
    expected: () => snapshot.series.find(({ id }) => id === 'gpus_expected')?.steps,
  };
}

describe('how many GPUs', () => {
  it('none: nothing is expected, nothing is shown', () => {
    plug({ chain: 'pci0000:00/0000:00:02.0', vendor: '0x8086', class: '0x030000' });
    plug({ chain: 'pci0000:00/0000:00:03.1', class: '0x040300' });
    const { topology, snapshot } = show();
    topology.discover([]);
    expect(topology.expectedGpus()).toBe(0);
    expect(snapshot.series).toEqual([]);
  });

  it('no tree at all', () => {
    const { topology, snapshot } = show();
    topology.discover(identities);
    expect(topology.expectedGpus()).toBe(0);
    expect(topology.numaNode('00000000:06:00.0')).toBe('');
    expect(snapshot.series).toEqual([]);
  });

  it('are expected while no driver answers, and after one has left the bus', () => {
    plugDgx1();
    const { topology, expected } = show();
    topology.discover([]);
    expect([topology.expectedGpus(), expected()]).toEqual([8, 8]);
    rmSync(join(root, 'sys/bus/pci/devices/0000:0a:00.0'));
    topology.discover(identities.filter(({ gpu }) => gpu !== '2'));
    expect([topology.expectedGpus(), expected()]).toEqual([8, 8]);
    expect(readPciGpus(tree).gpus).toHaveLength(7);
  });

  it('not those of virtual machines, nor virtual functions; switches are none', () => {
    plug({ chain: 'pci0000:00/0000:00:01.0/0000:01:00.0', class: '0x030000', driver: 'nvidia' });
    plug({ chain: 'pci0000:00/0000:00:02.0/0000:02:00.0', driver: 'vfio-pci' });
    plug({ chain: 'pci0000:00/0000:00:03.0/0000:03:00.4', isVirtual: true });
    plug({ chain: 'pci0000:00/0000:00:04.0/0000:04:00.0', class: '0x068000', driver: 'nvidia-nvswitch' });
    const { topology } = show();
    topology.discover([]);
    expect(topology.expectedGpus()).toBe(1);
    expect(topology.nvswitches()).toBe(1);
  });
});

it('a GPU that was given to a virtual machine is missed no more', () => {
  plugDgx1();
  const { topology } = show();
  topology.discover([]);
  const { address } = readPciGpus(tree).gpus[0] ?? {};
  mkdirSync(join(root, 'sys/bus/pci/drivers/vfio-pci'), { recursive: true });
  const steps = tree.resolve(`sys/bus/pci/devices/${(address ?? '').slice(4).toLowerCase()}`);
  if (typeof steps !== 'string') throw new Error('the GPU is not there');
  writeLinks(root, { [`${steps}/driver`]: 'sys/bus/pci/drivers/vfio-pci' });
  topology.discover([]);
  expect(topology.expectedGpus()).toBe(7);
});

describe('the nearest adapter', () => {
  const GPU = { gpu: '0', uuid: 'GPU-x', pci_bus_id: '00000000:05:00.0' };
  const nearestOf = (gpu: Device, ...adapters: readonly Device[]): readonly string[] => {
    for (const device of [gpu, ...adapters]) plug(device);
    const { topology, nearest } = show();
    topology.discover([GPU]);
    return nearest();
  };
  const gpu: Device = { chain: 'pci0000:00/0000:00:01.0/0000:02:00.0/0000:03:00.0/0000:05:00.0' };
  const adapter = (chain: string, infiniband: string, numa = '0'): Device => ({
    chain,
    infiniband,
    numa,
    vendor: '0x15b3',
  });

  it('all that are equally near, in the order of their numbers', () => {
    expect(
      nearestOf(
        gpu,
        adapter('pci0000:00/0000:00:01.0/0000:02:00.0/0000:03:04.0/0000:06:00.0', 'mlx5_10'),
        adapter('pci0000:00/0000:00:01.0/0000:02:00.0/0000:03:08.0/0000:07:00.0', 'mlx5_2'),
        adapter('pci0000:00/0000:00:02.0/0000:09:00.0', 'mlx5_0'),
      ),
    ).toEqual(['0 mlx5_2 PIX', '0 mlx5_10 PIX']);
  });

  it('PXB: a switch below a switch', () => {
    expect(
      nearestOf(
        gpu,
        adapter('pci0000:00/0000:00:01.0/0000:02:00.0/0000:03:04.0/0000:06:00.0/0000:07:00.0/0000:08:00.0', 'mlx5_0'),
      ),
    ).toEqual(['0 mlx5_0 PXB']);
  });

  it('NODE and SYS: over host bridges, on one node and on two', () => {
    const near = adapter('pci0000:40/0000:40:01.0/0000:41:00.0', 'mlx5_1');
    const far = adapter('pci0000:80/0000:80:01.0/0000:81:00.0', 'mlx5_0', '1');
    expect(nearestOf(gpu, near, far)).toEqual(['0 mlx5_1 NODE']);
    rmSync(join(root, 'sys/class/infiniband/mlx5_1'));
    expect(nearestOf(gpu, far)).toEqual(['0 mlx5_0 SYS']);
  });

  it('a machine that knows no NUMA node has one', () => {
    expect(nearestOf({ ...gpu, numa: '-1' }, adapter('pci0001:00/0001:00:00.0', 'mlx5_0', '-1'))).toEqual([
      '0 mlx5_0 NODE',
    ]);
  });

  it('not one that is not on the bus, or whose link leads out of the root', () => {
    mkdirSync(join(root, 'sys/devices/virtual/infiniband/rxe0'), { recursive: true });
    writeLinks(root, {
      'sys/class/infiniband/rxe0': 'sys/devices/virtual/infiniband/rxe0',
      'sys/class/infiniband/mlx5_0': '../outside/0000:05:00.0',
    });
    expect(nearestOf(gpu)).toEqual([]);
  });
});

it('changes nothing while nothing changes, and leaves nothing behind', () => {
  plugDgx1();
  const { topology, snapshot } = show();
  topology.discover(identities);
  const before = snapshot.generation;
  topology.discover(identities);
  expect(snapshot.generation).toBe(before);
  topology.stop();
  expect(snapshot.series).toEqual([]);
});
