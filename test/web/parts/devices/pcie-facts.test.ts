// PCIe links of GPUs, adapters and drives.
import { expect, test } from 'vitest';
import { agentCatalogue } from '#agent/contract';
import { pcieLinks } from '../../../../web/parts/devices/pcie-facts.ts';
import { given, type Given } from './given.ts';

const gpu = ['3', 'GPU-3', '00000000:3b:00.0'];
const infoOf = (labels: readonly string[], known: Readonly<Record<string, string>>): readonly string[] =>
  labels.map((label) => known[label] ?? '');
const hca: Given = [
  'infiniband_info',
  infoOf(agentCatalogue.infiniband_info.labels, { device: 'mlx5_0', pci_bus_id: '00000000:5e:00.0' }),
  1,
];

const link = (
  prefix: 'gpu' | 'infiniband' | 'nvme',
  labels: readonly string[],
  now: [number, number],
  best: [number, number],
): Given[] => [
  [`${prefix}_pcie_link_generation`, labels, now[0]],
  [`${prefix}_pcie_link_generation_max`, labels, best[0]],
  [`${prefix}_pcie_link_width`, labels, now[1]],
  [`${prefix}_pcie_link_width_max`, labels, best[1]],
];

const linksOf = (rows: readonly Given[]) => {
  const { index, values } = given(rows);
  return pcieLinks(index, values);
};

test('fewer lanes are marked, a lower generation by itself', () => {
  expect(
    linksOf([
      ...link('gpu', gpu, [1, 16], [3, 16]),
      ...link('infiniband', ['mlx5_0'], [3, 8], [3, 16]),
      ...link('nvme', ['nvme0'], [4, 4], [4, 4]),
    ]),
  ).toMatchObject([
    { kind: 'GPU', name: 'GPU 3', narrow: false, slower: true },
    { kind: 'InfiniBand', name: 'mlx5_0', narrow: true, slower: false },
    { kind: 'NVMe', name: 'nvme0', narrow: false, slower: false },
  ]);
});

test('a best that is not known marks nothing', () => {
  const [first] = linksOf([['nvme_pcie_link_width', ['nvme0'], 2]]);
  expect(first).toMatchObject({ narrow: false, slower: false, widthMax: undefined });
});

test('errors are found by the address of the device, corrected ones apart', () => {
  const error = (severity: string, name: string, count: Given[2]): Given => [
    'pcie_aer_errors_total',
    ['00000000:5e:00.0', severity, name],
    count,
  ];
  const [first] = linksOf([
    hca,
    ...link('infiniband', ['mlx5_0'], [3, 16], [3, 16]),
    error('correctable', 'BadTLP', 4),
    error('correctable', 'RxErr', 1),
    error('fatal', 'DLP', 2),
    error('nonfatal', 'UR', 'forbidden'),
  ]);
  expect(first).toMatchObject({
    corrected: { kind: 'value', value: 5 },
    uncorrected: { kind: 'value', value: 2 },
  });
});

test('a device that tells no errors has none to show, which is not zero', () => {
  const [first] = linksOf([hca, ...link('infiniband', ['mlx5_0'], [3, 16], [3, 16])]);
  expect(first).toMatchObject({ corrected: undefined, uncorrected: undefined });
});
