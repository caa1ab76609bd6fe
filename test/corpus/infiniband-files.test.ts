// Every file of the corpus' sysfs trees, one by one: what it says is in the reading, or it is known that nobody asks for it.
// And the same trees damaged: cut anywhere, with the line ends of DOS, without any.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { infiniband } from '../../agent/collectors/infiniband.ts';
import { readAll, startReading, type Reading } from '../doubles/reading.ts';
import { corpusDirectory, hasCorpus, layOut, type LaidOut } from './loader.ts';

const present = hasCorpus('corpus/infiniband-files');
const directory = 'infiniband/sysfs';
const trees = ['procfs-a', 'nodeexporter-b', 'gcm-node/learn_good.json', 'gcm-node/learn_ib_intf_bad_rate.json'];

let tree: LaidOut | undefined;
afterEach(() => {
  tree?.remove();
  tree = undefined;
});

interface RecordedFile {
  /** Below the root: sys/…. */
  readonly path: string;
  readonly text: string;
}

function lay(name: string): LaidOut {
  tree?.remove();
  tree = layOut(join(directory, name));
  return tree;
}

function filesOf(root: string): readonly RecordedFile[] {
  return readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .map((file) => ({ path: relative(root, file), text: readFileSync(file, 'utf8') }));
}

async function readTree(root: string): Promise<Reading> {
  const reading = startReading(infiniband, root);
  await readAll(reading);
  return reading;
}

/** 4-, 8-, 16- and 32-bit counters at their ceiling, as the InfiniBand specification has them. */
const ceilings: Readonly<Record<string, bigint>> = {
  local_link_integrity_errors: 15n,
  excessive_buffer_overrun_errors: 15n,
  link_error_recovery: 255n,
  link_downed: 255n,
  port_rcv_constraint_errors: 255n,
  port_xmit_constraint_errors: 255n,
  symbol_error: 65535n,
  port_rcv_errors: 65535n,
  port_rcv_remote_physical_errors: 65535n,
  port_rcv_switch_relay_errors: 65535n,
  port_xmit_discards: 65535n,
  VL15_dropped: 65535n,
  port_xmit_wait: 4294967295n,
};

/** The old kernel's second file of a quantity. */
const extended: Readonly<Record<string, string>> = {
  port_rcv_data: 'port_rcv_data_64',
  port_xmit_data: 'port_xmit_data_64',
  port_rcv_packets: 'port_rcv_packets_64',
  port_xmit_packets: 'port_xmit_packets_64',
  unicast_rcv_packets: 'port_unicast_rcv_packets',
  unicast_xmit_packets: 'port_unicast_xmit_packets',
  multicast_rcv_packets: 'port_multicast_rcv_packets',
  multicast_xmit_packets: 'port_multicast_xmit_packets',
};

const deviceLabels: Readonly<Record<string, string>> = {
  board_id: 'board_id',
  fw_ver: 'firmware_version',
  hca_type: 'hca_type',
  node_guid: 'node_guid',
  sys_image_guid: 'sys_image_guid',
  node_desc: 'node_desc',
};

/** Files beside an adapter that say nothing we show. */
const unread =
  /^(?:uevent|node_type|hw_rev|fw_pages|reg_pages|has_smi|sm_lid|cap_mask|sm_sl|lid_mask_count|lifespan|\.fakefile)$/;

/** What is wrong with the reading of one file; undefined if it says what the file says. */
function complaint(
  reading: Reading,
  { path, text }: RecordedFile,
  files: ReadonlyMap<string, string>,
): string | undefined {
  const [, device = '', port = '', inner = ''] = /infiniband\/([^/]+)\/(?:ports\/(\d+)\/)?(.+)$/.exec(path) ?? [];
  const name = inner.split('/').at(-1) ?? '';
  const labels = port === '' ? { device } : { device, port };
  const line = text.trim().split('\n')[0] ?? '';
  const wrong = (got: unknown, wanted: unknown) =>
    String(got) === String(wanted) ? undefined : `${path}: ${String(got)}, not ${String(wanted)}`;
  if (unread.test(name)) return undefined;
  if (inner.startsWith('counters')) {
    const file = inner.startsWith('counters_ext/') ? nameBeside(name) : name;
    const base = path.slice(0, -inner.length);
    const texts = [files.get(`${base}counters/${file}`), files.get(`${base}counters_ext/${extended[file] ?? ''}`)];
    return wrong(counterValue(reading, labels, file), expectedCount(file, texts));
  }
  if (inner.startsWith('hw_counters/')) {
    return wrong(reading.value('infiniband_hw_events_total', { ...labels, counter: name }), line);
  }
  const label = deviceLabels[name];
  if (port === '' && label !== undefined) return wrong(reading.labels('infiniband_info', { device })?.[label], line);
  switch (name) {
    case 'state':
      return wrong(reading.value('infiniband_state_id', labels), line.split(':')[0]);
    case 'phys_state':
      return wrong(reading.value('infiniband_physical_state_id', labels), line.split(':')[0]);
    case 'rate':
      return wrong(reading.value('infiniband_rate_bytes_per_second', labels), Number(line.split(' ')[0]) * 125_000_000);
    case 'link_layer':
    case 'lid':
      return wrong(reading.labels('infiniband_port_info', labels)?.[name], line);
    default:
      return `${path}: nobody reads it`;
  }
}

function nameBeside(extendedName: string): string {
  return Object.entries(extended).find(([, beside]) => beside === extendedName)?.[0] ?? extendedName;
}

/** The series whose row names the file as its source, or else the one for unknown counters. */
function counterValue(reading: Reading, labels: Readonly<Record<string, string>>, file: string): unknown {
  const known = reading.snapshot.series.find(
    ({ row, id }) =>
      row.kind === 'counter' && id !== 'infiniband_events_total' && row.source.split(' ')[0] === `counters/${file}`,
  );
  return known
    ? reading.value(known.id, labels)
    : reading.value('infiniband_events_total', { ...labels, counter: file });
}

function expectedCount(file: string, texts: readonly (string | undefined)[]): bigint | string {
  const counts = texts.flatMap((text) => (text !== undefined && /^\d+$/.test(text.trim()) ? [BigInt(text)] : []));
  if (counts.length === 0) return 'unsupported';
  const largest = counts.reduce((a, b) => (a > b ? a : b));
  if (largest === (ceilings[file] ?? 2n ** 64n - 1n)) return 'saturated';
  return file.endsWith('_data') ? largest * 4n : largest;
}

describe.skipIf(!present)('every file', () => {
  it('is of a tree that is read here', () => {
    const found = readdirSync(join(corpusDirectory, directory), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => relative(join(corpusDirectory, directory), join(entry.parentPath, entry.name)));
    expect(found.filter((file) => !trees.some((name) => file === name || file.startsWith(`${name}/`)))).toEqual([]);
  });

  it.each([
    ['procfs-a', 90],
    ['nodeexporter-b', 60],
    ['gcm-node/learn_good.json', 130],
    ['gcm-node/learn_ib_intf_bad_rate.json', 130],
  ])('of %s is in the reading', async (name, atLeast) => {
    const { root } = lay(name);
    const reading = await readTree(root);
    const files = filesOf(root);
    const texts = new Map(files.map(({ path, text }) => [path, text]));
    const ofAdapters = files.filter(({ path }) => path.includes('/infiniband/'));
    expect(ofAdapters.length).toBeGreaterThan(atLeast);
    expect(ofAdapters.map((file) => complaint(reading, file, texts)).filter((one) => one !== undefined)).toEqual([]);
  });

  it('gives the rails of the recorded node by PCI address, which is the order of its interfaces', async () => {
    const reading = await readTree(lay('gcm-node/learn_good.json').root);
    const ports = reading.snapshot.series.flatMap(({ id, row, labels }) =>
      id === 'infiniband_port_info' ? [Object.fromEntries(row.labels.map((label, at) => [label, labels[at]]))] : [],
    );
    expect(ports.map(({ device, rail, netdev }) => `${device ?? ''} ${rail ?? ''} ${netdev ?? ''}`).toSorted()).toEqual(
      [
        'mlx5_0 0 ib0',
        'mlx5_1 1 ib1',
        'mlx5_2 2 ib2',
        'mlx5_3 3 ib3',
        'mlx5_6 4 ib4',
        'mlx5_7 5 ib5',
        'mlx5_8 6 ib6',
        'mlx5_9 7 ib7',
      ],
    );
  });

  it('says of a wait tick only what is known: ConnectX-3 counts 32 bytes on each of four lanes', async () => {
    const reading = await readTree(lay('procfs-a').root);
    const tick = (device: string) => reading.value('infiniband_port_transmit_wait_tick_bytes', { device });
    expect([tick('mlx4_0'), tick('mlx5_0'), tick('hfi1_0')]).toEqual([128, 'unsupported', 'unsupported']);
  });
});

describe.skipIf(!present)('damaged trees', () => {
  it.each(trees.flatMap((name) => [[name, '\r\n'] as const, [name, ''] as const]))(
    '%s reads the same with line ends %j',
    async (name, end) => {
      const { root } = lay(name);
      const before = await readLines(root);
      for (const { path, text } of filesOf(root)) {
        writeFileSync(join(root, path), end === '' ? text.trimEnd() : text.replaceAll('\n', end));
      }
      expect(await readLines(root)).toEqual(before);
    },
  );

  it.each(['procfs-a', 'nodeexporter-b'])(
    '%s: a file cut at any byte costs its own series at most',
    async (name) => {
      const { root } = lay(name);
      const before = await readLines(root);
      const files = filesOf(root).filter(({ path }) => path.includes('/infiniband/'));
      const cuts = files.flatMap(({ path, text }) =>
        Array.from({ length: Buffer.byteLength(text) }, (_, length) => ({ path, text, length })),
      );
      await fc.assert(
        fc.asyncProperty(fc.constantFrom(...cuts), async ({ path, text, length }) => {
          writeFileSync(join(root, path), Buffer.from(text).subarray(0, length));
          const after = await readLines(root);
          writeFileSync(join(root, path), text);
          const [, device = ''] = /infiniband\/([^/]+)\//.exec(path) ?? [];
          const others = (lines: readonly string[]) =>
            lines.filter((line) => !line.includes(`{${device},`) && !isPlace(line));
          expect(others(after)).toEqual(others(before));
          expect(changed(before, after).length).toBeLessThanOrEqual(mostChanges(path));
        }),
        { numRuns: 100 },
      );
    },
    60_000,
  );
});

/** Everything that is read, and the files closed again. The length of a pass is never the same twice. */
async function readLines(root: string): Promise<readonly string[]> {
  const reading = await readTree(root);
  const lines = reading.lines().filter((line) => !line.startsWith('infiniband_pass_seconds'));
  await reading.reader.stop();
  return lines;
}

/** Which rail a port is depends on the other ports. */
function isPlace(line: string): boolean {
  return line.startsWith('infiniband_port_info');
}

function changed(before: readonly string[], after: readonly string[]): readonly string[] {
  const known = new Set(before);
  return after.filter((line) => !known.has(line));
}

/** A counter has a value and a mark; a port's state decides over four gauges and the tick; its link layer over all of them. */
function mostChanges(path: string): number {
  if (path.includes('counters')) return 2;
  return path.endsWith('link_layer') ? 8 : 6;
}
