// The simulated cluster through real agent code into the same server and page.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Browser, Page } from 'playwright-core';
import type {
  AlertsAnswer,
  FleetSummary,
  GpusAnswer,
  Incident,
  IncidentsAnswer,
  JobsAnswer,
  LedgerAnswer,
} from '#server/contract';
import { leftOut } from '../left-out.ts';
import { accessibilityProblems, hasChromium, launchBrowser, screenshot, watchPage } from './browser.ts';
import { freePort, json, startProgram, until, type Program } from './program.ts';

let program: Program;
let address: string;
let started: number;

beforeAll(async () => {
  const port = await freePort();
  address = `http://127.0.0.1:${port}`;
  started = performance.now();
  program = startProgram(['demo', '--listen', `127.0.0.1:${port}`, '--fault', 'storage@node07']);
  await until('192 GPUs', async () => {
    const { coverage } = await json<FleetSummary>(`${address}/api/v1/fleet`);
    return coverage.gpus_reporting === 192 ? true : undefined;
  });
  console.log(`192 GPUs report ${((performance.now() - started) / 1000).toFixed(1)} s after the start`);
}, 90_000);

afterAll(async () => {
  await program.interrupt();
});

describe('the demo', () => {
  test('every GPU is in exactly one class, and the funnel only narrows', async () => {
    const { classes, funnel, coverage } = await json<FleetSummary>(`${address}/api/v1/fleet`);
    expect(Object.values(classes).reduce((sum, count) => sum + count, 0)).toBe(192);
    expect(coverage).toEqual({ nodes: 16, nodes_up: 16, gpus: 192, gpus_reporting: 192 });
    const stages = [
      funnel.capacity,
      funnel.reporting,
      funnel.healthy,
      funnel.allocated,
      funnel.active,
      funnel.productive,
    ];
    expect(stages).toEqual(stages.toSorted((a, b) => b - a));
  });

  test('3 PB of NVMe, and data moves', async () => {
    const { storage, infiniband } = await until('rates', async () => {
      const one = await json<FleetSummary>(`${address}/api/v1/fleet`);
      return one.storage.read_bytes_per_second ? one : undefined;
    });
    expect(storage.capacity_bytes).toBeGreaterThan(2.7e15);
    expect(storage.capacity_bytes).toBeLessThan(3.3e15);
    expect(infiniband).toMatchObject({ ports: 96, ports_active: 96 });
  });

  test('readings change every second', async () => {
    const busy = async (): Promise<string> => {
      const { gpus } = await json<GpusAnswer>(`${address}/api/v1/gpus`);
      return gpus.map((gpu) => gpu.power_watts).join();
    };
    const before = await busy();
    await until('other readings', async () => ((await busy()) === before ? undefined : true), 5000);
  });

  test('GPUs held idle become alerts', async () => {
    const alerts = await until(
      'an alert',
      async () => {
        const answer = await json<AlertsAnswer>(`${address}/api/v1/alerts`);
        return answer.alerts.some((alert) => alert.kind === 'gpu_held_idle') ? answer.alerts : undefined;
      },
      120_000,
    );
    expect(alerts.find((alert) => alert.kind === 'gpu_held_idle')?.text).toMatch(/held idle/);
  }, 130_000);
});

describe.skipIf(!hasChromium)('the demo in Chromium', () => {
  let browser: Browser;
  let page: Page;
  beforeAll(async () => {
    browser = await launchBrowser();
    page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
  });
  afterAll(async () => {
    await browser.close();
  });

  test('a click on a cause dims the rest and is in the address', async () => {
    await page.goto(address);
    await page
      .getByRole('link', { name: /^held idle/ })
      .last()
      .click();
    expect(new URL(page.url()).searchParams.get('f')).toBe('cause:held');
    await page
      .getByText(/of 192 GPUs$/)
      .first()
      .waitFor();
    await page.goBack();
    expect(new URL(page.url()).searchParams.get('f')).toBeNull();
  });

  test('on a small screen nothing is wider than the screen', async () => {
    const small = await browser.newPage({ viewport: { width: 390, height: 844 } });
    for (const path of ['/', '/incidents', '/jobs', '/node/node09', '/nodes', '/alerts']) {
      await small.goto(`${address}${path}`);
      await small.getByText('LIVE').first().waitFor();
      const excess = await small.evaluate<number>(
        'document.documentElement.scrollWidth - document.documentElement.clientWidth',
      );
      expect(excess, path).toBe(0);
    }
    await screenshot(small, 'demo-alerts-small');
    await small.close();
  });

  test.each(['dark', 'light'])('fleet and node pages, %s: shown, accessible, without errors', async (theme) => {
    const { problems } = watchPage(page, address);
    await page.goto(`${address}/?theme=${theme}`);
    await page.getByText('192').first().waitFor();
    await page.getByText('capacity').first().waitFor();
    await screenshot(page, `demo-fleet-${theme}`);
    expect(await accessibilityProblems(page)).toEqual([]);
    await page.goto(`${address}/node/node09?theme=${theme}`);
    await page.getByText('GPU busy').first().waitFor();
    await page.getByText('mlx5_0').first().waitFor();
    await screenshot(page, `demo-node-${theme}`);
    expect(await accessibilityProblems(page)).toEqual([]);
    expect(problems).toEqual([]);
  });
});

describe('why', () => {
  /** The incident of the slow drive, once its GPUs have waited for a minute. */
  const slowDrive = (): Promise<Incident> =>
    until(
      'the culprit drive',
      async () => {
        const { incidents } = await json<IncidentsAnswer>(`${address}/api/v1/incidents`);
        return incidents.find(({ culprit }) => culprit?.device !== null && culprit?.device !== undefined);
      },
      150_000,
    );

  test('names the drive, its peers, the job and what would be gained', async () => {
    const incident = await slowDrive();
    expect(incident).toMatchObject({ cause: 'storage.nvme', owner: 'platform', job_id: '8812', nodes: ['node07'] });
    expect(incident.culprit).toMatchObject({ node: 'node07', device: 'nvme2n1' });
    expect(incident.gpus).toHaveLength(8);
    expect(incident.predicted_speedup).toBeGreaterThan(1.5);
    const latency = incident.evidence.find(({ signal }) => signal === 'storage_latency');
    expect(latency?.value).toBeGreaterThan(10 * (latency?.against?.value ?? Infinity));
    expect(incident.text).toContain('The culprit is node07 nvme2n1');
  }, 160_000);

  test('every GPU has an owner or is known to have none, and the ledger adds up', async () => {
    const { attribution } = await json<JobsAnswer>(`${address}/api/v1/jobs`);
    expect(attribution).toMatchObject({ gpus: 192, attributed: 192, problem: null });
    const byClass = await json<LedgerAnswer>(`${address}/api/v1/ledger?by=class`);
    const byJob = await json<LedgerAnswer>(`${address}/api/v1/ledger?by=user,job`);
    expect(byClass.rows.reduce((sum, { gpu_seconds }) => sum + gpu_seconds, 0)).toBeCloseTo(
      byClass.total_gpu_seconds,
      3,
    );
    expect(byJob.rows.some(({ by }) => by['job'] === '8812')).toBe(true);
  });

  test.skipIf(!hasChromium).each(['mouse', 'keyboard'])(
    'from the front page to the culprit drive in three interactions, by %s',
    async (by) => {
      await slowDrive();
      const browser = await launchBrowser();
      const page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
      try {
        await page.goto(address);
        const row = page.getByRole('row').filter({ hasText: 'node07 nvme2n1' });
        await row.first().waitFor();
        // 1: the incident.
        const link = row.first().getByRole('link', { name: /waits for a local drive/ });
        if (by === 'mouse') await link.click();
        else await link.press('Enter');
        await page.getByText('The culprit is node07 nvme2n1').waitFor();
        await screenshot(page, `demo-incident-${by}`);
        // 2: the culprit.
        const culprit = page.getByRole('link', { name: 'node07 nvme2n1' });
        if (by === 'mouse') await culprit.click();
        else await culprit.press('Enter');
        await page.waitForURL(/node\/node07/);
        await page.getByText('nvme2n1').first().waitFor();
      } finally {
        await browser.close();
      }
    },
    200_000,
  );

  test.skipIf(!hasChromium).each(['dark', 'light'])(
    'incidents and jobs, %s: shown, accessible, without errors',
    async (theme) => {
      const { id } = await slowDrive();
      const browser = await launchBrowser();
      const page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
      try {
        const { problems } = watchPage(page, address);
        for (const [path, text] of [
          ['/incidents', 'waits for a local drive'],
          [`/incident/${id}`, 'Evidence'],
          ['/jobs', 'resnet50'],
        ] as const) {
          await page.goto(`${address}${path}?theme=${theme}`);
          await page.getByText(text).first().waitFor();
          await screenshot(page, `demo${path.replace(/[^a-z]+/g, '-').slice(0, 10)}-${theme}`);
          expect(await accessibilityProblems(page), path).toEqual([]);
        }
        expect(problems).toEqual([]);
      } finally {
        await browser.close();
      }
    },
    200_000,
  );
});

if (!hasChromium) leftOut('system: the demo in Chromium', 'chromium is not installed');
