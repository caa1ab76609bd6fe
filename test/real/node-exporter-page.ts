// The page of Debian's node_exporter for a tree, and ours beside it: only the families that both have.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { renderNodeExporter } from '../../agent/compat/node-exporter.ts';
import { Tree } from '../../agent/sources/tree.ts';
import { parsePage, type Page } from '../doubles/exposition.ts';
import { freePort, until } from '../system/program.ts';

export const nodeExporter = '/usr/bin/prometheus-node-exporter';
const families = /^node_(infiniband|pressure|disk|nvme)_/;

export interface BothPages {
  readonly theirs: Page;
  readonly ours: Page;
}

/** Starts node_exporter for one scrape. */
export async function readBothPages(root: string): Promise<BothPages> {
  for (const directory of ['sys', 'proc', 'run/udev/data']) mkdirSync(join(root, directory), { recursive: true });
  return { theirs: only(parsePage(await scrape(root))), ours: only(parsePage(renderNodeExporter(new Tree(root)))) };
}

function only(page: Page): Page {
  return {
    series: new Map([...page.series].filter(([key]) => families.test(key))),
    types: new Map([...page.types].filter(([name]) => families.test(name))),
  };
}

async function scrape(root: string): Promise<string> {
  const address = `127.0.0.1:${await freePort()}`;
  const exporter = spawn(
    nodeExporter,
    [
      `--path.sysfs=${root}/sys`,
      `--path.procfs=${root}/proc`,
      `--path.udev.data=${root}/run/udev/data`,
      '--collector.disable-defaults',
      '--collector.infiniband',
      '--collector.pressure',
      '--collector.diskstats',
      '--collector.nvme',
      `--web.listen-address=${address}`,
    ],
    { stdio: 'ignore' },
  );
  const ended = once(exporter, 'exit');
  try {
    return await until('node_exporter answers', async () => (await fetch(`http://${address}/metrics`)).text());
  } finally {
    exporter.kill('SIGKILL');
    await ended;
  }
}
