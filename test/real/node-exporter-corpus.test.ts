// Our page for node_exporter's users beside Debian's node_exporter over every recorded tree, and over trees on which the two
// are known to differ: docs/node-exporter-differences.md.
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { hasCorpus, layOutInto, type LaidOut } from '../corpus/loader.ts';
import { writeTree } from '../corpus/write-tree.ts';
import { writeHcas, type HcaSpec } from '../doubles/infiniband/tree.ts';
import { leftOut } from '../left-out.ts';
import { nodeExporter, readBothPages } from './node-exporter-page.ts';
import { forgottenFiles, recordedTrees, recording, softwareRdma } from './node-exporter-trees.ts';

const corpus = hasCorpus('real/node-exporter-corpus');
const installed = existsSync(nodeExporter);
if (!installed) leftOut('real/node-exporter-corpus', `${nodeExporter} is not installed`);

let tree: LaidOut | undefined;
afterEach(() => {
  tree?.remove();
  tree = undefined;
});

async function pagesOf(laidOut: LaidOut) {
  tree = laidOut;
  return readBothPages(laidOut.root);
}

describe.skipIf(!corpus || !installed)('on recorded trees', () => {
  it('leaves none out', () => {
    expect(forgottenFiles()).toEqual([]);
  });

  it.each(recordedTrees.map((recorded) => [recorded.sources[0] ?? '', recorded] as const))(
    'is the same on %s',
    async (_, recorded) => {
      const { theirs, ours } = await pagesOf(recorded.layOut());
      expect(theirs.series.size).toBeGreaterThanOrEqual(recorded.atLeast);
      expect(Object.fromEntries(ours.series)).toEqual(Object.fromEntries(theirs.series));
      expect(Object.fromEntries(ours.types)).toEqual(Object.fromEntries(theirs.types));
    },
    20_000,
  );

  it(`shows software RDMA, whose ports have no counters, on ${softwareRdma}`, async () => {
    const { theirs, ours } = await pagesOf(recording(softwareRdma));
    const port = '{device="rxe0",port="1"}';
    expect(theirs.series.size).toBe(0);
    expect(Object.fromEntries(ours.series)).toEqual({
      'node_infiniband_info{board_id="",device="rxe0",firmware_version="",hca_type=""}': 1,
      [`node_infiniband_state_id${port}`]: 4,
      [`node_infiniband_physical_state_id${port}`]: 5,
      [`node_infiniband_rate_bytes_per_second${port}`]: 312_500_000,
    });
  });
});

const port = (root: string): string => join(root, 'sys/class/infiniband/mlx5_0/ports/1');

/** mlx5_0 with something odd, and a healthy mlx5_1. */
function writeAdapters(root: string, odd: Partial<HcaSpec> = {}): void {
  writeHcas(root, [
    { device: 'mlx5_0', address: '0000:1a:00.0', counters: { port_rcv_data: 1, symbol_error: 2 }, ...odd },
    { device: 'mlx5_1', address: '0000:1b:00.0', counters: { port_rcv_data: 7 } },
  ]);
}

const row = (name: string, fields: string): string => `   8       1 ${name} ${fields}\n`;
const eleven = '1 2 3 4 5 6 7 8 9 10 11';

function diskstats(root: string, ...rows: readonly string[]): void {
  writeTree(root, { 'proc/diskstats': rows.join('') });
}

function writePressure(root: string, resources: readonly string[]): void {
  const lines = 'some avg10=0.00 avg60=0.00 avg300=0.00 total=1\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=1\n';
  writeTree(root, Object.fromEntries(resources.map((name) => [`proc/pressure/${name}`, lines])));
}

function writeController(root: string, name: string, files: readonly string[]): void {
  writeTree(root, Object.fromEntries(files.map((file) => [`sys/class/nvme/${name}/${file}`, `${file}\n`])));
}

describe.skipIf(!installed)('on odd trees it is the same', () => {
  it.each<readonly [string, (root: string) => void]>([
    [
      'with a directory in place of a counter',
      (root) => {
        writeAdapters(root);
        mkdirSync(join(port(root), 'counters/VL15_dropped'));
      },
    ],
    [
      'with a rate without its width',
      (root) => {
        writeAdapters(root, { port: { rate: '100 Gb/sec' } });
      },
    ],
    [
      'with states and speeds of the future',
      (root) => {
        writeAdapters(root, { port: { state: '9: NEW', phys_state: '12: NEWER', rate: '1600 Gb/sec (4X GDR)' } });
      },
    ],
    [
      'with a counter that ends like DOS',
      (root) => {
        writeAdapters(root, { counters: { port_rcv_data: '5\r' } });
      },
    ],
    [
      'with rows of disks of every length',
      (root) => {
        diskstats(
          root,
          row('sda', '1 2 3 4'),
          row('sdb', '1 2 3 4 5 6 7 8 9 10'),
          ...Array.from({ length: 10 }, (_, more) =>
            row(`dm-${more}`, Array.from({ length: 11 + more }, (__, field) => field + 1).join(' ')),
          ),
        );
      },
    ],
    [
      'with a disk twice',
      (root) => {
        diskstats(root, row('sda', eleven), row('sda', eleven));
      },
    ],
    [
      'with counts beyond 2^53',
      (root) => {
        diskstats(root, row('sda', '18446744073709551615 2 9007199254740993 9007199254740993 5 6 7 8 9 10 11'));
      },
    ],
    [
      'with more rows than a page holds',
      (root) => {
        diskstats(root, ...Array.from({ length: 300 }, (_, disk) => row(`dm-${disk}`, eleven)));
      },
    ],
    [
      'with every kind of disk',
      (root) => {
        const names =
          'sr0 ram0 loop1 loop0p1 fd0 hda1 xvda1 vdb2 nvme0n1 nvme0n1p2 nvme0c0n1 nbd0 zram0 mmcblk0p1 md127 sdaa1 sdab drbd1';
        diskstats(root, ...names.split(' ').map((name) => row(name, eleven)));
      },
    ],
  ])('%s', async (_, write) => {
    const { theirs, ours } = await pagesOf(layOutInto(write));
    expect(theirs.series.size).toBeGreaterThan(8);
    expect(Object.fromEntries(ours.series)).toEqual(Object.fromEntries(theirs.series));
  });
});

describe.skipIf(!installed)('on odd trees node_exporter loses a whole family and we the odd part', () => {
  it.each<readonly [string, (root: string) => void, number, number]>([
    [
      'a counter that is no number',
      (root) => {
        writeAdapters(root, { counters: { port_rcv_data: 'many', symbol_error: 2 } });
      },
      0,
      10,
    ],
    [
      'a counter of more than 64 bits',
      (root) => {
        writeAdapters(root, { counters: { port_rcv_data: 2n ** 64n } });
      },
      0,
      9,
    ],
    [
      'a state without a number',
      (root) => {
        writeAdapters(root, { port: { phys_state: 'Dreaming' } });
      },
      0,
      10,
    ],
    [
      'no rate',
      (root) => {
        writeAdapters(root);
        rmSync(join(port(root), 'rate'));
      },
      0,
      10,
    ],
    [
      'a port without counters',
      (root) => {
        writeAdapters(root);
        rmSync(join(port(root), 'counters'), { recursive: true });
      },
      0,
      9,
    ],
    [
      'an adapter without its board',
      (root) => {
        writeAdapters(root);
        rmSync(join(root, 'sys/class/infiniband/mlx5_0/board_id'));
      },
      0,
      11,
    ],
    [
      'a disk whose row holds a word',
      (root) => {
        diskstats(root, row('sda', eleven), row('sdb', '1 2 3 x 5 6 7 8 9 10 11'));
      },
      0,
      12,
    ],
    [
      'no pressure of io',
      (root) => {
        writePressure(root, ['cpu', 'memory']);
      },
      1,
      3,
    ],
    [
      'a controller without a serial number',
      (root) => {
        writeController(root, 'nvme0', ['firmware_rev', 'model', 'state', 'cntlid']);
        writeController(root, 'nvme1', ['firmware_rev', 'model', 'serial', 'state', 'cntlid']);
      },
      0,
      2,
    ],
  ])('%s', async (_, write, theirCount, ourCount) => {
    const { theirs, ours } = await pagesOf(layOutInto(write));
    expect([theirs.series.size, ours.series.size]).toEqual([theirCount, ourCount]);
    for (const [series, value] of theirs.series) expect(ours.series.get(series)).toBe(value);
  });
});
