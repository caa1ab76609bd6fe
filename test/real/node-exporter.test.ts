// Our page for node_exporter's users beside Debian's node_exporter over the same tree.
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { renderNodeExporter } from '../../agent/compat/node-exporter.ts';
import { Tree } from '../../agent/sources/tree.ts';
import { parsePage, type Page } from '../doubles/exposition.ts';
import { hcaSpecs, writeHcas } from '../doubles/infiniband/tree.ts';
import { copyTree } from '../doubles/steps.ts';
import { leftOut } from '../left-out.ts';

const program = '/usr/bin/prometheus-node-exporter';
const corpus = join(import.meta.dirname, '../../../shared/corpus/infiniband/sysfs');
const families = /^node_(infiniband|pressure)_/;

let root: string;
let exporter: ChildProcess | undefined;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'whyidle-ne-'));
  mkdirSync(join(root, 'sys'));
  writePressure();
});
afterEach(() => {
  exporter?.kill('SIGKILL');
  exporter = undefined;
  rmSync(root, { recursive: true, force: true });
});

const installed = existsSync(program);
if (!installed) leftOut('real/node-exporter', `${program} is not installed`);

describe.skipIf(!installed)('beside node_exporter', () => {
  it.each(['procfs-a', 'nodeexporter-b'])('is the same on %s', async (name) => {
    if (!existsSync(join(corpus, name))) {
      leftOut(`real/node-exporter ${name}`, 'the corpus is not here', { evenInCi: true });
      return;
    }
    rmSync(join(root, 'sys'), { recursive: true });
    copyTree(join(corpus, name), join(root, 'sys'));
    await expectSamePages(40);
  });

  it('is the same on eight adapters with 35 counters each', async () => {
    writeHcas(root, hcaSpecs(8));
    await expectSamePages(8 * 24);
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
  const theirs = only(parsePage(await scrape()));
  const ours = only(parsePage(renderNodeExporter(new Tree(root))));
  expect(theirs.series.size).toBeGreaterThanOrEqual(atLeast);
  expect(Object.fromEntries(ours.series)).toEqual(Object.fromEntries(theirs.series));
  expect(Object.fromEntries(ours.types)).toEqual(Object.fromEntries(theirs.types));
}

function only(page: Page): Page {
  return {
    series: new Map([...page.series].filter(([key]) => families.test(key))),
    types: new Map([...page.types].filter(([name]) => families.test(name))),
  };
}

async function scrape(): Promise<string> {
  const port = await freePort();
  exporter = spawn(
    program,
    [
      `--path.sysfs=${root}/sys`,
      `--path.procfs=${root}/proc`,
      '--collector.disable-defaults',
      '--collector.infiniband',
      '--collector.pressure',
      `--web.listen-address=127.0.0.1:${port}`,
    ],
    { stdio: 'ignore' },
  );
  const deadlineMs = performance.now() + 15_000;
  for (;;) {
    try {
      const response = await fetch(`http://127.0.0.1:${port}/metrics`);
      return await response.text();
    } catch (error) {
      if (performance.now() > deadlineMs) throw error;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => {
        resolve(typeof address === 'object' && address ? address.port : 0);
      });
    });
  });
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
