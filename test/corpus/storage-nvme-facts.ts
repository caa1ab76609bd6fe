// Facts of the other files of ../shared/corpus/nvme: what tools list is what the collectors read in the tree of the same machine.
import { expect } from 'vitest';
import { nvme } from '../../agent/collectors/nvme.ts';
import { readAll, startReading, type Reading } from '../doubles/reading.ts';
import { layOut, type LaidOut } from './loader.ts';
import { layOutQemu } from './qemu.ts';
import type { Check } from './storage-corpus.ts';

const qemu = 'nvme/qemu-6.1';

async function controllersOf(laidOut: LaidOut): Promise<Reading> {
  const reading = startReading(nvme, laidOut.root);
  await readAll(reading);
  laidOut.remove();
  return reading;
}

const every = (text: string, pattern: RegExp): readonly string[] =>
  [...text.matchAll(pattern)].map(([, found = '']) => found.trim());

/** What `nvme id-ctrl` says of a controller is in its info. */
const identified =
  (controller: string): Check =>
  async (text) => {
    const reading = await controllersOf(layOutQemu({}));
    const [serial, model, firmware] = ['sn', 'mn', 'fr'].map(
      (key) => every(text, new RegExp(`"${key}":"([^"]*)"`, 'g'))[0],
    );
    expect(reading.labels('nvme_info', { controller })).toMatchObject({
      serial,
      model,
      firmware_version: firmware,
      cntlid: every(text, /"cntlid":(\d+)/g)[0],
      subsystem_nqn: every(text, /"subnqn":"([^"]*)"/g)[0],
    });
    expect(serial).toBe(controller === 'nvme0' ? 'LABSHARED' : 'LAB0SN0001');
  };

/** Controllers on PCI with their addresses, as `nvme list` and `nvme list-subsys` have them. */
const listed =
  (count: number): Check =>
  async (text) => {
    const reading = await controllersOf(layOutQemu({}));
    const pairs = [...text.matchAll(/"(?:Controller|Name)":"(nvme\d+)",[^}]*?"Address":"(0000:[^"]+)"/g)];
    expect(pairs).toHaveLength(count);
    for (const [, controller = '', address = ''] of pairs) {
      expect(reading.labels('nvme_info', { controller })).toMatchObject({ address, pci_bus_id: `0000${address}` });
    }
  };

const hasNoErrors: Check = (text) => {
  expect(every(text, /"error_count":(\d+)/g)).toEqual(['0']);
};

const namespaces: Check = (text) => {
  expect(every(text, /"DevicePath":"([^"]+)"/g)).toEqual(['/dev/nvme3n1', '/dev/nvme2n1', '/dev/nvme1n1']);
  expect(every(text, /"SerialNumber":"([^"]+)"/g)).toEqual(['LAB0SN0002', 'LAB0SN0001', 'LABSHARED']);
};

/** The tree as libnvme prints it: one path for each controller of the dual-ported drive, none for the other. */
const libnvmeTree: Check = async (text) => {
  const reading = await controllersOf(layOut('nvme/libnvme/tree-pcie.tar.xz'));
  const controllers = every(text, /ctrl (nvme\d+) transport=pcie/g);
  expect(controllers).toEqual(['nvme0', 'nvme1', 'nvme2']);
  expect(controllers.map((controller) => reading.labels('nvme_info', { controller })?.['address'])).toEqual(
    every(text, /traddr=(\S+)/g),
  );
  expect(every(text, /path (nvme1c\dn1) /g)).toHaveLength(Number(reading.value('nvme_paths', { device: 'nvme1n1' })));
};

export const nvmeFacts: Readonly<Record<string, Check>> = {
  [`${qemu}/id-ctrl-nvme0.json`]: identified('nvme0'),
  [`${qemu}/id-ctrl-nvme2.json`]: identified('nvme2'),
  [`${qemu}/list.json`]: namespaces,
  [`${qemu}/list-v.json`]: listed(4),
  [`${qemu}/list-subsys.json`]: listed(4),
  // The TCP machine is another boot: the controllers on PCI keep their addresses, the numbers of subsystems do not.
  [`${qemu}/nvme-list-subsys-tcp.json`]: listed(4),
  [`${qemu}/nvme-list-v-tcp.json`]: listed(4),
  [`${qemu}/error-log-nvme0.json`]: hasNoErrors,
  [`${qemu}/error-log-nvme2.json`]: hasNoErrors,
  'nvme/libnvme/tree-pcie.out.txt': libnvmeTree,
};
