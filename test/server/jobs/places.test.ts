// A place of Slurm's list is found by device file and minor number, else by the order of the PCI bus.
import { describe, expect, test } from 'vitest';
import { parseGresConf } from '../../../server/jobs/slurm/gres-conf.ts';
import { placeFinder, type PlacedGpu } from '../../../server/jobs/slurm/places.ts';

/** NVML's order is that of the bus; the driver numbered its files in another one. */
const gpus: readonly PlacedGpu[] = [
  { gpu: '0', uuid: 'A', pciBusId: '00000000:1A:00.0' },
  { gpu: '1', uuid: 'B', pciBusId: '00000000:1C:00.0' },
  { gpu: '2', uuid: 'C', pciBusId: '00000000:89:00.0' },
  { gpu: '3', uuid: 'D', pciBusId: '00000000:8A:00.0' },
];
const minors = new Map([
  ['0000:1a:00.0', 2],
  ['0000:1c:00.0', 3],
  ['0000:89:00.0', 0],
  ['0000:8a:00.0', 1],
]);
const conf = (text: string) => parseGresConf(text);
const all = (text: string, known: ReadonlyMap<string, number> = minors): readonly (string | undefined)[] =>
  [0, 1, 2, 3].map(placeFinder({ node: 'n1', gpus, minors: known, files: conf(text) }));

describe('places', () => {
  test('files are numbered by the driver, not by NVML', () => {
    expect(all('NodeName=n[1-2] Name=gpu Type=v100 File=/dev/nvidia[0-3]')).toEqual(['C', 'D', 'A', 'B']);
  });

  test('a list that leaves one out: the place counts the list', () => {
    expect(all('NodeName=n1 Name=gpu File=/dev/nvidia[1,3]')).toEqual(['D', 'B', undefined, undefined]);
  });

  test('several lines are one list; those of other nodes do not count', () => {
    const text =
      'NodeName=n2 Name=gpu File=/dev/nvidia0\nName=gpu Type=a File=/dev/nvidia3 # later\nname=gpu file=/dev/nvidia0';
    expect(all(text)).toEqual(['B', 'C', undefined, undefined]);
  });

  test('where Slurm finds its devices itself, and where nothing is known: the order of the bus', () => {
    expect(all('AutoDetect=nvml\n')).toEqual(['A', 'B', 'C', 'D']);
    expect(all('AutoDetect=nvml\n', new Map())).toEqual(['A', 'B', 'C', 'D']);
  });

  test('without minor numbers a file stands for its number on the bus', () => {
    expect(all('Name=gpu File=/dev/nvidia[1,3]', new Map())).toEqual(['B', 'D', undefined, undefined]);
  });

  test('a part of a GPU is no GPU', () => {
    expect(all('Name=gpu File=/dev/nvidia-caps/nvidia-cap283\nName=gpu File=/dev/nvidia0')).toEqual([
      ...[undefined, 'C', undefined, undefined],
    ]);
  });

  test('addresses that are not known: by index', () => {
    const bare = gpus.map((one) => ({ ...one, pciBusId: '' })).reverse();
    const files = conf('');
    expect(placeFinder({ node: 'n1', gpus: bare, minors: new Map(), files })(1)).toBe('B');
  });
});
