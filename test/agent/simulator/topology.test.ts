// The PCI tree of both platforms as the agent classifies it, and the matrix that nvidia-smi prints of it.
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { nearestOf, pciPathBetween } from '../../../agent/collectors/gpu/pci-path.ts';
import { readInfinibandAdapters, readPciGpus } from '../../../agent/collectors/gpu/pci-tree.ts';
import { parseTopology, type SmiTopology } from '../../../agent/parse/gpu/smi-topology.ts';
import { noFaults } from '../../../agent/simulator/faults.ts';
import { sherlock } from '../../../agent/simulator/hardware.ts';
import { NodeTree } from '../../../agent/simulator/node-tree.ts';
import { renderTopology } from '../../../agent/simulator/render/nvidia-smi-topology.ts';
import { SimulatedWorkload } from '../../../agent/simulator/workload.ts';
import { Tree } from '../../../agent/sources/tree.ts';
import { leftOut } from '../../left-out.ts';

const directory = mkdtempSync(join(tmpdir(), 'whyidle-topology-'));
const nodes = sherlock({ seed: 1, nowS: 1_800_000_000 });
const [hgx1, hgx2] = [nodes[0], nodes[8]];
if (!hgx1 || !hgx2) throw new Error('no nodes');
const trees = new Map<string, NodeTree>();

beforeAll(() => {
  const { states } = new SimulatedWorkload(1, nodes, noFaults);
  for (const state of [states[0], states[8]]) {
    if (state) trees.set(state.hardware.name, new NodeTree(join(directory, state.hardware.name), state));
  }
});
afterAll(() => {
  for (const tree of trees.values()) tree.close();
  rmSync(directory, { recursive: true });
});

const treeOf = (name: string): Tree => new Tree(trees.get(name)?.root ?? '/nowhere');
const pathsOf = ({ devices }: SmiTopology, name: string): readonly string[] => [
  ...(devices.find((device) => device.name === name)?.paths.values() ?? []),
];

describe.each([
  ['node01', hgx1, 8, 4, 0],
  ['node09', hgx2, 16, 8, 12],
] as const)('%s', (name, hardware, gpus, hcas, switches) => {
  test('all GPUs, adapters and NVSwitches are on the bus', () => {
    const found = readPciGpus(treeOf(name));
    expect(found.gpus).toHaveLength(gpus);
    expect(found.switches).toHaveLength(switches);
    expect(readInfinibandAdapters(treeOf(name))).toHaveLength(hcas);
    expect(found.gpus.map((gpu) => gpu.numaNode)).toEqual(
      found.gpus.map((_, index) => String(Math.floor(index / (gpus / 2)))),
    );
  });

  test('each two GPUs share an adapter behind their switch', () => {
    const adapters = readInfinibandAdapters(treeOf(name));
    const nearest = readPciGpus(treeOf(name)).gpus.map((gpu) => nearestOf(gpu, adapters));
    expect(nearest.map((one) => [one?.path, one?.devices.map(({ device }) => device).join()])).toEqual(
      Array.from({ length: gpus }, (_, gpu) => ['PIX', `mlx5_${Math.floor(gpu / 2)}`]),
    );
  });

  test('the tool and the tree tell the same', () => {
    const topology = parseTopology(renderTopology(hardware), 'topo -m');
    const adapters = readInfinibandAdapters(treeOf(name));
    for (const [index, gpu] of readPciGpus(treeOf(name)).gpus.entries()) {
      expect(pathsOf(topology, `GPU${index}`).slice(gpus)).toEqual(adapters.map((one) => pciPathBetween(gpu, one)));
    }
  });

  test('every device has a link of its own on the bus, every bridge above it too', () => {
    const tree = treeOf(name);
    for (const address of tree.names('sys/bus/pci/devices')) {
      const resolved = tree.resolve(`sys/bus/pci/devices/${address}`);
      if (typeof resolved !== 'string') throw new Error(`${address} leads nowhere`);
      expect(resolved.split('/').at(-1)).toBe(address);
      expect(tree.word(`${resolved}/vendor`)).toMatch(/^0x[\da-f]{4}$/);
      for (const bridge of resolved.split('/').slice(4, -1)) {
        expect(tree.exists(`sys/bus/pci/devices/${bridge}`)).toBe(true);
        expect(tree.word(`sys/bus/pci/devices/${bridge}/class`)).toBe('0x060400');
      }
    }
  });
});

test('HGX-2: the other adapter of four GPUs is behind a further switch, those of the socket behind another root complex', () => {
  const topology = parseTopology(renderTopology(hgx2), 'topo -m');
  expect(pathsOf(topology, 'GPU0').slice(16)).toEqual(['PIX', 'PXB', 'NODE', 'NODE', 'SYS', 'SYS', 'SYS', 'SYS']);
  expect(pathsOf(topology, 'GPU14').slice(16)).toEqual(['SYS', 'SYS', 'SYS', 'SYS', 'NODE', 'NODE', 'PXB', 'PIX']);
  expect(topology.devices[15]).toMatchObject({ cpuAffinity: '24-47,72-95', numaAffinity: '1' });
});

test('the fabric manager runs where NVSwitches are', () => {
  const commOf = (name: string): readonly string[] =>
    readdirSync(join(directory, name, 'root/proc'))
      .filter((entry) => /^\d+$/.test(entry) && existsSync(join(directory, name, 'root/proc', entry, 'comm')))
      .map((pid) => readFileSync(join(directory, name, 'root/proc', pid, 'comm'), 'utf8'))
      .filter((comm) => comm.startsWith('nv-'));
  expect(commOf('node09')).toEqual(['nv-fabricmanage\n']);
  expect(commOf('node01')).toEqual([]);
});

const recorded = join(import.meta.dirname, '../../../../shared/corpus/gpu/nvidia-smi-text/dgx1-v100-topo-m.txt');
const present = existsSync(recorded);
if (!present) leftOut('simulator/topology', 'the corpus is not here', { evenInCi: true });

test.skipIf(!present)('HGX-1 is wired as the recorded DGX-1', () => {
  const real = parseTopology(readFileSync(recorded, 'utf8'), recorded);
  const ours = parseTopology(renderTopology(hgx1), 'topo -m');
  expect(ours.devices.map(({ name }) => name)).toEqual(real.devices.map(({ name }) => name));
  for (const { name } of real.devices) expect(pathsOf(ours, name)).toEqual(pathsOf(real, name));
  expect(ours.devices.map(({ cpuAffinity }) => cpuAffinity)).toEqual(
    real.devices.map(({ cpuAffinity }) => cpuAffinity),
  );
});
