// Our page for node_exporter's users beside Debian's node_exporter over the same tree.
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { hcaSpecs, writeHcas } from '../doubles/infiniband/tree.ts';
import { leftOut } from '../left-out.ts';
import { nodeExporter, readBothPages } from './node-exporter-page.ts';

let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'whyidle-ne-'));
  mkdirSync(join(root, 'sys'));
  writePressure();
});
afterEach(() => {
  rmSync(root, { recursive: true, force: true });
});

const installed = existsSync(nodeExporter);
if (!installed) leftOut('real/node-exporter', `${nodeExporter} is not installed`);

describe.skipIf(!installed)('beside node_exporter', () => {
  it('is the same on eight adapters with 35 counters each', async () => {
    writeHcas(root, hcaSpecs(8));
    await expectSamePages(8 * 24);
  });

  it('is the same on disks, partitions, mapped devices and NVMe controllers', async () => {
    writeDisks();
    await expectSamePages(7 * 11);
  });

  it('is the same on full, down, huge, legacy and unreadable', async () => {
    writeHcas(root, [
      {
        device: 'mlx4_0',
        address: '0000:1a:00.0',
        port: { state: '1: DOWN', phys_state: '2: Polling', rate: '10 Gb/sec (4X)' },
        counters: { port_xmit_wait: 4294967295, port_rcv_data: 4294967295, symbol_error: 65535, port_rcv_discards: 3 },
        extended: { port_rcv_data_64: 9007199254740993n, port_unicast_rcv_packets: 5, port_xmit_packets_64: 0 },
      },
      {
        device: 'mlx5_0',
        address: '0000:1b:00.0',
        port: { rate: '2.5 Gb/sec (1X SDR)' },
        counters: {
          port_rcv_data: 2n ** 64n - 1n,
          port_xmit_data: 2n ** 62n + 1n,
          port_rcv_packets: 2n ** 64n - 1n,
          port_xmit_packets: 'N/A (no PMA)',
          strange_counter: 1,
        },
      },
    ]);
    await expectSamePages(20);
  });
});

/** Every series that node_exporter has is ours with the same labels, value and type, and we have no other. */
async function expectSamePages(atLeast: number): Promise<void> {
  const { theirs, ours } = await readBothPages(root);
  expect(theirs.series.size).toBeGreaterThanOrEqual(atLeast);
  expect(Object.fromEntries(ours.series)).toEqual(Object.fromEntries(theirs.series));
  expect(Object.fromEntries(ours.types)).toEqual(Object.fromEntries(theirs.types));
}

/** Totals whose division by 1000 twice differs in the last digit from a division by a million. */
function writePressure(): void {
  const line = (kind: string, total: number): string => `${kind} avg10=0.12 avg60=0.34 avg300=0.56 total=${total}\n`;
  mkdirSync(join(root, 'proc/pressure'), { recursive: true });
  const write = (resource: string, some: number, full: number): void => {
    writeFileSync(join(root, 'proc/pressure', resource), line('some', some) + line('full', full));
  };
  write('cpu', 24243256, 0);
  write('io', 5531320, 5132435);
  write('memory', 123456789012345, 7);
}

/** Old and new kernels' lines, udev entries with and without what is asked for, and names that the filter drops. */
function writeDisks(): void {
  const write = (path: string, text: string): void => {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  };
  write(
    'proc/diskstats',
    `   8       0 sda 25354637 34367663 1003346126 18492372 28444756 11134226 505697032 63877960 0 9653880 82621804
   8       1 sda1 250 0 2000 36 0 0 0 0 0 36 36
 259       0 nvme0n1 47114 4 4643973 21650 1078320 43950 39451633 1011053 0 222766 1032546 0 0 0 0
 259       1 nvme0n1p1 1140 0 9370 16 1 0 1 0 0 16 16
 252       0 dm-0 59910002 0 1003337218 46229572 39231014 0 505696880 1158557800 0 11325968 1206301256
   9       0 md0 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21
   7       0 loop0 0 0 0 0 0 0 0 0 0 0 0
 179       0 mmcblk0 192 3 1560 156 0 0 0 0 0 136 156
 253       0 vda 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17
`,
  );
  write(
    'run/udev/data/b8:0',
    'S:disk/by-id/x\nE:ID_ATA=1\nE:ID_MODEL=SAMSUNG=240\nE:ID_SERIAL_SHORT=S2T\nE:SCSI_IDENT_SERIAL=S3T\nE:ID_REVISION=GXT1\n' +
      'E:ID_WWN=0x55\nE:ID_PATH=pci-0000:00:1f.2-ata-1\nE:ID_ATA_ROTATION_RATE_RPM=7200\nE:ID_ATA_WRITE_CACHE=1\n' +
      'E:ID_ATA_WRITE_CACHE_ENABLED=0\nE:ID_FS_TYPE=ext4\nE:ID_FS_USAGE=filesystem\nE:ID_FS_UUID=abc\nE:ID_FS_VERSION=1.0\n',
  );
  write(
    'run/udev/data/b252:0',
    'E:DM_NAME=vg-lv\nE:DM_UUID=LVM-xyz\nE:DM_VG_NAME=vg\nE:DM_LV_NAME=lv\nE:DM_LV_LAYER=\n',
  );
  write('run/udev/data/b259:0', 'E:ID_MODEL=SSD\nE:ID_SERIAL_SHORT=S680\nE:ID_WWN=eui.0025\n');
  const controller = {
    firmware_rev: '1B2QEXP7',
    model: 'Samsung SSD 970 PRO 512GB  ',
    serial: 'S680HF8N190894I',
    state: 'live',
    cntlid: '4',
  };
  for (const [file, text] of Object.entries(controller)) write(`sys/class/nvme/nvme0/${file}`, `${text}\n`);
}
