// From this machine's own files to the text on the page: server and agent as `npm start` runs them, in a real browser.
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Browser, Page } from 'playwright-core';
import type { NodeDetail, NodesAnswer } from '#server/contract';
import { leftOut } from '../left-out.ts';
import { hasChromium, launchBrowser, screenshot, watchPage } from './browser.ts';
import { freePort, json, startProgram, until, type Program } from './program.ts';

const node = hostname().split('.')[0] ?? '';
let program: Program;
let address: string;
let scratch: string;

beforeAll(async () => {
  scratch = mkdtempSync(join(tmpdir(), 'whyidle-system-'));
  const port = await freePort();
  address = `http://127.0.0.1:${port}`;
  program = startProgram(['server', '--with-agent', '--listen', `127.0.0.1:${port}`, '--data', scratch]);
  await until('the node on the server', async () => {
    const { nodes } = await json<NodesAnswer>(`${address}/api/v1/nodes`);
    return nodes.some((one) => one.up) ? true : undefined;
  });
});

afterAll(() => {
  rmSync(scratch, { recursive: true, force: true });
});

describe('this machine', () => {
  test('the API has its CPUs, memory and disks, and says what is missing', async () => {
    const detail = await until('two samples', async () => {
      const one = await json<NodeDetail>(`${address}/api/v1/nodes/${node}`);
      return one.cpu_busy_ratio === null ? undefined : one;
    });
    const metrics = new Set(detail.samples.map((sample) => sample.metric));
    for (const metric of ['cpu_seconds_total', 'memory_total_bytes', 'network_receive_bytes_total', 'load1']) {
      expect(metrics, metric).toContain(`whyidle_${metric}`);
    }
    const missing = detail.missing.map(({ area, reason }) => `${area}: ${reason}`);
    if (!metrics.has('whyidle_gpu_up')) expect(missing).toContain('gpu: not_present');
    if (!metrics.has('whyidle_infiniband_state_id')) expect(missing).toContain('infiniband: not_present');
  });

  test('the metrics page has a value that moves', async () => {
    const idle = async (): Promise<number> => {
      const text = await (await fetch(`${address}/metrics`)).text();
      const line = text
        .split('\n')
        .find((one) => one.startsWith('whyidle_cpu_seconds_total') && one.includes('mode="idle"'));
      return Number(line?.split(' ').at(-1));
    };
    const before = await idle();
    expect(before).toBeGreaterThan(0);
    await until('a later count', async () => ((await idle()) > before ? true : undefined));
  });

  test('a second agent of the same name is refused in a sentence and the first goes on', async () => {
    const second = startProgram(['agent', '--server', address, '--name', node]);
    try {
      await until('the refusal', () => (second.output().includes('already') ? true : undefined));
      const { nodes } = await json<NodesAnswer>(`${address}/api/v1/nodes`);
      expect(nodes.filter((one) => one.name === node && one.up)).toHaveLength(1);
    } finally {
      await second.interrupt();
    }
  });

  test('a port in use is a clear sentence and exit code 2', async () => {
    const other = startProgram(['server', '--listen', address.replace('http://', ''), '--data', scratch]);
    await until('its end', () => (other.child.exitCode === null ? undefined : true));
    expect(other.child.exitCode).toBe(2);
    expect(other.output()).toMatch(/in use/);
  });
});

describe.skipIf(!hasChromium)('this machine in Chromium', () => {
  let browser: Browser;
  let page: Page;
  let problems: string[];

  beforeAll(async () => {
    browser = await launchBrowser();
    page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
    ({ problems } = watchPage(page, address));
  });
  afterAll(async () => {
    await browser.close();
  });

  test('the fleet page names the node and is live', async () => {
    await page.goto(address);
    await page.getByText('LIVE').first().waitFor();
    await page.getByRole('link', { name: node }).first().waitFor();
    await screenshot(page, 'this-machine-fleet');
  });

  test('the node page says what was not found, and its numbers move', async () => {
    await page.goto(`${address}/node/${node}`);
    await page.getByText('No NVIDIA GPU found').first().waitFor();
    await page.getByText('No InfiniBand found').first().waitFor();
    await page.getByText('CPU busy').first().waitFor();
    const body = page.locator('main');
    const before = await body.innerText();
    await until('the page to change', async () => ((await body.innerText()) === before ? undefined : true));
    await screenshot(page, 'this-machine-node');
    expect(problems).toEqual([]);
  });
});

describe.skipIf(!hasChromium)('a server that goes away and comes back', () => {
  test('the page says so, keeps its values, and goes on without a reload', async () => {
    const port = await freePort();
    const args = ['server', '--with-agent', '--listen', `127.0.0.1:${port}`, '--data', join(scratch, 'returning')];
    const browser = await launchBrowser();
    let server = startProgram(args);
    try {
      const page = await browser.newPage();
      await until('the page', async () => (await page.goto(`http://127.0.0.1:${port}`)) ?? undefined);
      await page.getByRole('link', { name: node }).first().waitFor();
      await page.evaluate('globalThis.reloadWouldForgetThis = true');
      await server.interrupt();
      await page.getByText('Connection lost').waitFor();
      expect(await page.getByRole('link', { name: node }).count()).toBeGreaterThan(0);
      expect(await page.getByText('LIVE', { exact: true }).count()).toBe(0);
      server = startProgram(args);
      await page.getByText('LIVE').first().waitFor();
      expect(await page.getByText('Connection lost').count()).toBe(0);
      expect(await page.evaluate('globalThis.reloadWouldForgetThis')).toBe(true);
    } finally {
      await browser.close();
      await server.interrupt();
    }
  }, 60_000);
});

if (!hasChromium) leftOut('system: this machine in Chromium', 'chromium is not installed');

describe('a server that is killed', () => {
  test('takes the agent it started with it', async () => {
    const other = startProgram([
      'server',
      '--with-agent',
      '--listen',
      `127.0.0.1:${await freePort()}`,
      '--data',
      join(scratch, 'killed'),
    ]);
    await until('its agent', () => (other.output().includes('agent connected') ? true : undefined));
    const children = childrenOf(other.child.pid);
    expect(children).toHaveLength(1);
    other.child.kill('SIGKILL');
    await until(
      'the end of its agent',
      () => (children.some((pid) => existsSync(`/proc/${pid}`)) ? undefined : true),
      5000,
    );
  });
});

// Last, since nothing is left to be asked afterwards.
describe('the end', () => {
  test('Ctrl-C stops server and agent', async () => {
    // interrupt() kills what has not ended by itself after 10 s: then there is no exit code.
    const { ms, exitCode } = await program.interrupt();
    console.log(`Ctrl-C to the end: ${ms.toFixed(0)} ms`);
    expect(exitCode).toBe(0);
  });
});

function childrenOf(pid: number | undefined): readonly string[] {
  const text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
  return text === '' ? [] : text.split(' ');
}
