// nvidia-smi nvlink: states, errors, traffic, and the ways it refuses. Own texts.
import { describe, expect, it } from 'vitest';
import { isAbsent } from '#agent/contract';
import {
  parseNvlinkData,
  parseNvlinkErrors,
  parseNvlinkRaw,
  parseNvlinkStatus,
  type NvlinkGpu,
} from '../../../../agent/parse/gpu/smi-nvlink.ts';

const head = (index: number, uuid = `GPU-${index}`): string => `GPU ${index}: NVIDIA A100 (UUID: ${uuid})\n`;

function told(gpus: readonly NvlinkGpu[]) {
  return gpus.map(({ gpu, values }) => [
    gpu,
    ...values.map(({ column, value }) => [
      column.id.replace('gpu_nvlink_', ''),
      ...Object.values(column.labels),
      isAbsent(value) ? value.reason : value,
    ]),
  ]);
}

describe('nvlink -s', () => {
  it('tells speed and state of each link', () => {
    const text = `${head(0)}\t Link 0: 26.562 GB/s\n\t Link 1: <inactive>\n${head(1)}\t Link 0: 50 GB/s\n`;
    expect(told(parseNvlinkStatus(text))).toEqual([
      [
        '0',
        ['up', '0', 1],
        ['speed_bytes_per_second', '0', 26_562_000_000],
        ['up', '1', 0],
        ['speed_bytes_per_second', '1', 'not_present'],
      ],
      ['1', ['up', '0', 1], ['speed_bytes_per_second', '0', 50_000_000_000]],
    ]);
  });

  it.each([
    'Device does not have or support Nvlink',
    'Nvlink queries are not supported for Devices in MIG mode',
    'NVML: Unable to retrieve Nvlink information as all links are inActive',
  ])('%s', (refusal) => {
    expect(parseNvlinkStatus(`${head(0)}${refusal}\n`)).toEqual([{ gpu: '0', uuid: 'GPU-0', values: [], refusal }]);
  });

  it('may be empty', () => {
    expect(parseNvlinkStatus('')).toEqual([]);
  });

  it('leaves out a line without its end', () => {
    expect(told(parseNvlinkStatus(`${head(0)}\t Link 0: 26.562 GB/s`))).toEqual([['0']]);
    expect(told(parseNvlinkErrors(`${head(0)}\t Link 0: CRC Errors: 12`))).toEqual([['0']]);
  });

  it('gives a state it does not know no number', () => {
    expect(told(parseNvlinkStatus(`${head(0)}\t Link 0: 26.562 GiB/s\n`))).toEqual([
      ['0', ['up', '0', 'malformed'], ['speed_bytes_per_second', '0', 'malformed']],
    ]);
  });
});

describe('nvlink -e', () => {
  it('tells errors by kind and leaves out what has no name here', () => {
    const text = `${head(0)}\t Link 3: Replay Errors: 1\n\t Link 3: Recovery Errors: 2\n\t Link 3: CRC Errors: 3\n\t Link 3: Malformed packet Errors: 9\n\n`;
    expect(told(parseNvlinkErrors(text))).toEqual([
      [
        '0',
        ['errors_total', '3', 'replay', 1],
        ['errors_total', '3', 'recovery', 2],
        ['errors_total', '3', 'crc_flit', 3],
      ],
    ]);
  });

  it('tells no count for N/A', () => {
    expect(told(parseNvlinkErrors(`${head(0)}\t Link 0: CRC Errors: N/A\n`))).toEqual([
      ['0', ['errors_total', '0', 'crc_flit', 'unsupported']],
    ]);
  });
});

describe('nvlink -gt', () => {
  it('d: bytes, exact beyond 2^53', () => {
    const text = `${head(0)}\t Link 0: Data Tx: 5863784 KiB\n\t Link 0: Data Rx: 9007199254740993 KiB\n\t Link 1: Data Tx: 12 MiB\n`;
    expect(told(parseNvlinkData(text))).toEqual([
      [
        '0',
        ['tx_bytes_total', '0', 5863784 * 1024],
        ['rx_bytes_total', '0', 9007199254740993n * 1024n],
        ['tx_bytes_total', '1', 'malformed'],
      ],
    ]);
  });

  it('r: is no data', () => {
    const text = `${head(0)}\t Link 0: Raw Tx: 5 KiB\n...\n\t Link 9: Raw Tx: 6 KiB\n${head(7)}\t Link 0: Raw Rx: 7 KiB\n`;
    expect(parseNvlinkRaw(text)).toEqual([
      { gpu: '0', link: '0', direction: 'tx', kibibytes: 5 },
      { gpu: '7', link: '0', direction: 'rx', kibibytes: 7 },
    ]);
    expect(told(parseNvlinkData(text))).toEqual([['0'], ['7']]);
  });
});
