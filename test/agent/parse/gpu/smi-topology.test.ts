// nvidia-smi topo -m with tabs and with blanks, with and without NUMA column and adapters. Own texts.
import { describe, expect, it } from 'vitest';
import { parseTopology } from '../../../../agent/parse/gpu/smi-topology.ts';
import { ParseError } from '../../../../agent/parse/parse-error.ts';

const ESC = '\u001b';
const tabs = `\t${ESC}[4mGPU0\tGPU1\tNIC0\tCPU Affinity\tNUMA Affinity\tGPU NUMA ID${ESC}[0m
GPU0\t X \tNV4\tPIX\t0-31\t0\t\tN/A
GPU1\tNV4\t X \tSYS\t32-63\t1\t\tN/A
NIC0\tPIX\tSYS\t X \t\t\t\t

Legend:

  X    = Self

NIC Legend:

  NIC0: mlx5_2

`;

describe('topo -m', () => {
  it('has adapters by the name that the legend gives', () => {
    const { devices } = parseTopology(tabs, 'test');
    expect(devices.map(({ name, cpuAffinity, numaAffinity }) => [name, cpuAffinity, numaAffinity])).toEqual([
      ['GPU0', '0-31', '0'],
      ['GPU1', '32-63', '1'],
      ['mlx5_2', '', ''],
    ]);
    expect([...(devices[0]?.paths ?? [])]).toEqual([
      ['GPU0', 'X'],
      ['GPU1', 'NV4'],
      ['mlx5_2', 'PIX'],
    ]);
  });

  it('has no NUMA node where there is no such column', () => {
    const [only] = parseTopology('        GPU0    CPU Affinity\nGPU0     X      0-11  7\n', 'test').devices;
    expect([only?.cpuAffinity, only?.numaAffinity]).toEqual(['0-11', '']);
  });

  it.each([
    ['', 'nothing'],
    ['No devices were found\n', 'a message'],
    ['\tGPU0\tGPU1\tCPU Affinity\nGPU0\t X \n', 'a row that is cut'],
    ['\tGPU0\tGPU1\tCPU Affinity\nGPU0\t X \tNV\t0-3\n', 'a path that is none'],
    ['\tGPU0\tCPU Affinity\nGPU9\t X \t0-3\n', 'a row of nobody'],
  ])('%j: %s', (text) => {
    expect(() => parseTopology(text, 'test')).toThrow(ParseError);
  });
});
