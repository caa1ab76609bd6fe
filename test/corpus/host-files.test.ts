// Every file of ../shared/corpus/host, but those of storage: what it is, its facts, and that no cut or line end makes another value.
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { Collector } from '../../agent/collectors/collector.ts';
import { edac } from '../../agent/collectors/edac.ts';
import { hwmon } from '../../agent/collectors/hwmon.ts';
import { infiniband } from '../../agent/collectors/infiniband.ts';
import { memory } from '../../agent/collectors/memory.ts';
import { pcie } from '../../agent/collectors/pcie.ts';
import { ParseError } from '../../agent/parse/parse-error.ts';
import { pcieGenerationOf, pcieWidthOf } from '../../agent/parse/pci.ts';
import { readAll, startReading, type Reading } from '../doubles/reading.ts';
import { kinds } from './host-kinds.ts';
import { corpusDirectory, hasCorpus, layOut, layOutInto, type LaidOut } from './loader.ts';
import { parseRecording, writeLinks, writeTree } from './write-tree.ts';

const present = hasCorpus('corpus/host files');
const directory = join(corpusDirectory, 'host');
/** Below these is what the readers of storage read: storage.test.ts. */
const storage = /^(?:lustre-|gpfs\/|nvidia-fs\/)/;
const files = present ? filesBelow(directory).filter((file) => !storage.test(file) && file !== 'SOURCES.md') : [];
const text = (file: string): string => readFileSync(join(directory, file), 'latin1');

function filesBelow(path: string): readonly string[] {
  return readdirSync(path, { withFileTypes: true, recursive: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => relative(directory, join(entry.parentPath, entry.name)));
}

let tree: LaidOut | undefined;
afterEach(() => {
  tree?.remove();
  tree = undefined;
});

async function read(collector: Collector, laidOut: LaidOut): Promise<Reading> {
  tree = laidOut;
  const reading = startReading(collector, laidOut.root);
  await readAll(reading);
  return reading;
}

describe.skipIf(!present)('every file', () => {
  it('is known as one thing, and nothing is listed that is not there', () => {
    const found = files.map((file) => [file, kinds.filter((kind) => kind.files.test(file)).map(({ about }) => about)]);
    expect(found.filter(([, abouts]) => abouts?.length !== 1)).toEqual([]);
    expect(kinds.filter((kind) => !files.some((file) => kind.files.test(file)))).toEqual([]);
  });

  const readable = files.flatMap((file) => {
    const parse = kinds.find((kind) => kind.files.test(file))?.parse;
    return parse ? [[file, parse] as const] : [];
  });

  it.each(readable)('%s can be read', (file, parse) => {
    expect(() => parse(text(file))).not.toThrow();
  });

  it.each(readable)('%s with the line ends of another system is the same, or is refused', (file, parse) => {
    const whole = text(file);
    expect([parse(whole), 'refused']).toContainEqual(parsedOrRefused(parse, whole.replaceAll('\n', '\r\n')));
  });

  it.each(readable)('%s cut anywhere is a value or a ParseError', (file, parse) => {
    const whole = text(file);
    // Every byte of a short file; of a long one some four hundred places.
    const step = Math.max(1, Math.floor(whole.length / 400));
    for (let end = 0; end < whole.length; end += step) {
      expect(() => parsedOrRefused(parse, whole.slice(0, end)), String(end)).not.toThrow();
    }
  });
});

function parsedOrRefused(parse: (text: string) => unknown, content: string): unknown {
  try {
    return parse(content);
  } catch (error) {
    if (error instanceof ParseError) return 'refused';
    throw error;
  }
}

describe.skipIf(!present)('node_exporter-sys', () => {
  const root = 'host/node_exporter-sys';

  it('errors of one memory controller', async () => {
    const reading = await read(edac, layOut(root));
    expect(reading.value('edac_correctable_errors_total', { controller: 'mc0' })).toBe(1);
    expect(reading.value('edac_uncorrectable_errors_total', { controller: 'mc0' })).toBe(5);
    expect(reading.snapshot.series).toHaveLength(2);
  });

  it('pages from other NUMA nodes', async () => {
    const reading = await read(memory, layOut(root));
    const both = (numaNode: string) =>
      (['numa_miss_total', 'numa_foreign_total'] as const).map((id) => reading.value(id, { numa_node: numaNode }));
    expect(['0', '1', '2'].map(both)).toEqual([
      [12624528, 59858623300],
      [59858626709, 12624528],
      [9858626709, 2624528],
    ]);
  });

  it('PCIe errors of the drive and the network adapter; the bridges above them count none', async () => {
    const reading = await read(pcie, layOut(root));
    const shown = reading.snapshot.series.map(({ labels, steps }) => [...labels, steps]);
    const errors = ['RxErr', 'BadTLP', 'BadDLLP', 'Rollover', 'Timeout', 'NonFatalErr', 'CorrIntErr', 'HeaderOF'];
    expect(shown).toEqual(
      ['00000000:01:00.0', '00000000:45:00.0'].flatMap((device) =>
        errors.map((error) => [device, 'correctable', error, 0]),
      ),
    );
  });

  it('the only chip is a drive’s, and is not asked', async () => {
    const laidOut = layOut(root);
    const drive = 'sys/devices/pci0000:00/0000:00:02.1/0000:01:00.0/nvme/nvme0/hwmon3';
    writeLinks(laidOut.root, { 'sys/class/hwmon/hwmon3': drive });
    const reading = await read(hwmon, laidOut);
    expect(reading.lines()).toEqual(['unavailable{hwmon,,,unsupported} 0 1']);
  });

  it('a link at half its speed, and one at its own', () => {
    const link = (device: string): unknown[] =>
      ['current_link_speed', 'max_link_speed', 'current_link_width', 'max_link_width'].map((file) => {
        const content = text(`node_exporter-sys/sys/devices/${device}/${file}`);
        return file.endsWith('speed') ? pcieGenerationOf(content) : pcieWidthOf(content);
      });
    expect(link('pci0000:00/0000:00:02.1/0000:01:00.0')).toEqual([3, 4, 4, 4]);
    expect(link('pci0000:40/0000:40:01.3/0000:45:00.0')).toEqual([2, 2, 4, 4]);
  });
});

describe.skipIf(!present)('gcm-pci', () => {
  it('DGX_A100.json: both spellings of a speed are one generation; how many of what, how wide', () => {
    const manifest = JSON.parse(text('gcm-pci/DGX_A100.json')) as { readonly pci: Readonly<Record<string, Slot>> }; // as SOURCES.md describes it
    const slots = Object.values(manifest.pci);
    const of = (type: string): readonly Slot[] => slots.filter((slot) => slot.type === type);
    const links = (some: readonly Slot[]): readonly string[] =>
      some.map((slot) => {
        const generations = new Set(slot.link_speed.map(pcieGenerationOf));
        return `${[...generations].join('/')} x${String(pcieWidthOf(slot.link_width))}`;
      });
    expect(links(of('gpu'))).toEqual(Array.from({ length: 8 }, () => '4 x16'));
    expect(links(of('ib'))).toEqual(Array.from({ length: 8 }, () => '4 x16'));
    expect(links(of('net'))).toEqual(Array.from({ length: 4 }, () => '4 x16'));
    // The two M.2 drives may run at either generation.
    expect(links(of('nvme')).toSorted()).toEqual(['3/4 x4', '3/4 x4', ...Array.from({ length: 8 }, () => '4 x4')]);
  });

  it('compute_samsung980pro.json: no error counts, no chips, no memory controllers', async () => {
    for (const collector of [pcie, edac, hwmon]) {
      const reading = await read(collector, layOut('host/gcm-pci/compute_samsung980pro.json'));
      const reason = collector.area === 'pcie' ? 'unsupported' : 'not_present';
      expect(reading.lines()).toEqual([`unavailable{${collector.area},,,${reason}} 0 1`]);
      tree?.remove();
    }
  });
});

interface Slot {
  readonly type: string;
  readonly link_speed: readonly string[];
  readonly link_width: string;
}

describe.skipIf(!present)('qemu-6.1', () => {
  it('soft RoCE: counts of its own beside no port counters', async () => {
    const recording = parseRecording(text('qemu-6.1/rxe-sysfs.tsv'));
    const reading = await read(
      infiniband,
      layOutInto((root) => {
        writeTree(root, recording);
      }),
    );
    const counters = Object.keys(recording).flatMap((path) => /\/ports\/1\/hw_counters\/(.+)$/.exec(path)?.[1] ?? []);
    expect(counters.length).toBeGreaterThan(0);
    for (const counter of counters.filter((name) => name !== 'lifespan')) {
      expect(reading.value('infiniband_hw_events_total', { device: 'rxe0', port: '1', counter }), counter).toBe(
        Number(recording[`/sys/class/infiniband/rxe0/ports/1/hw_counters/${counter}`]),
      );
    }
    expect(reading.labels('infiniband_port_info', { device: 'rxe0' })).toMatchObject({ link_layer: 'Ethernet' });
    const received = reading.value('infiniband_port_data_received_bytes_total', { device: 'rxe0' });
    expect(typeof received).not.toBe('number');
  });
});
