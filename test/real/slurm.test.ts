// A real Slurm says who has which GPU: each GPU-second is booked to the job that had it, exactly, also over an end of the server.
import { createCommandRunner } from '#agent/command';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Derived } from '../../server/derived/derived.ts';
import { Diagnosis } from '../../server/diagnosis/live/diagnosis.ts';
import { FabricWatch } from '../../server/fabric/watch.ts';
import { Fleet } from '../../server/fleet/fleet.ts';
import { JobTable } from '../../server/jobs/job-table.ts';
import { SlurmPoller } from '../../server/jobs/slurm/poller.ts';
import { createScontrolSource } from '../../server/jobs/slurm/scontrol-source.ts';
import { sumUp } from '../../server/ledger/hour-book.ts';
import { HourFiles } from '../../server/ledger/hour-files.ts';
import { Ledger } from '../../server/ledger/ledger.ts';
import { silentLog } from '../../server/log.ts';
import { leftOut } from '../left-out.ts';
import { gpuSeries, SetClock, StandInNode } from '../server/stand-in.ts';
import { freePort } from '../system/program.ts';
import { missingPrograms } from './programs.ts';
import { SlurmLab } from './slurm-lab.ts';

const missing =
  missingPrograms('slurmctld', 'slurmd', 'munged', 'scontrol', 'sbatch') ??
  (process.getuid?.() === 0 ? undefined : 'Slurm needs root');
if (missing !== undefined) leftOut('real/slurm', missing);

const GPUS = [0, 1, 2, 3, 4, 5, 6, 7];

/** The server's part between Slurm and the ledger, with agents that are fed by hand. */
class Site {
  readonly clock = new SetClock();
  readonly table: JobTable;
  readonly ledger: Ledger;
  readonly #fleet: Fleet;
  readonly #poller: SlurmPoller;
  readonly #diagnosis: Diagnosis;
  readonly #nodes: readonly StandInNode[];

  constructor(lab: SlurmLab, folder: string, saved: Uint8Array | undefined, startMs: number) {
    this.clock.ms = startMs;
    this.ledger = new Ledger(saved, new HourFiles(folder, 1e12, () => undefined));
    this.#fleet = new Fleet(this.ledger);
    this.table = new JobTable(this.#fleet);
    this.#poller = new SlurmPoller({
      source: createScontrolSource({ scontrol: 'scontrol', slurmConf: lab.conf, runner: createCommandRunner() }),
      ...{ intervalMs: 15_000, log: silentLog },
      nowMs: () => this.clock.ms,
      onAnswer: (state) => {
        this.table.take(state, this.clock.ms);
      },
    });
    const derived = new Derived(this.#fleet, new FabricWatch());
    this.#diagnosis = new Diagnosis({
      fleet: this.#fleet,
      derived,
      allocations: () => this.table.allocations(this.clock.ms),
    });
    this.#fleet.onFrame = (node) => {
      this.#diagnosis.take(node);
    };
    this.#nodes = ['hgx01', 'hgx02'].map((name) => new StandInNode(name, { clock: this.clock, fleet: this.#fleet }));
  }

  async ask(): Promise<void> {
    await this.#poller.ask();
    expect(this.table.problem).toBeUndefined();
  }

  /** GPUs with a job work, but for those named, which nobody uses. */
  async live(seconds: number, empty: ReadonlySet<string> = new Set()): Promise<void> {
    for (let second = 0; second < seconds; second++) {
      for (const node of this.#nodes) {
        const { name } = node.node;
        node.sample(
          GPUS.flatMap((gpu) => {
            const uuid = `${name}-${gpu}`;
            const works = this.table.jobOf(name, uuid) !== undefined && !empty.has(uuid);
            return gpuSeries({
              gpu: String(gpu),
              uuid,
              busy: works ? 97 : 0,
              processes: works ? 1 : 0,
              memoryUsed: works ? 1e9 : 0,
            });
          }),
        );
      }
      this.clock.ms += 1000;
      await this.#diagnosis.advance(this.clock.ms);
      this.#fleet.advance(this.clock.ms);
    }
  }

  /** Ten seconds later. */
  save(): Uint8Array | undefined {
    this.clock.ms += 10_000;
    this.#fleet.advance(this.clock.ms);
    const unsaved = this.#fleet.unsaved();
    unsaved?.publish();
    return unsaved?.bytes;
  }

  get booked(): number {
    return this.#fleet.gpus.reduce((sum, { account }) => sum + account.bookedUntilMs - account.firstSeenMs, 0);
  }

  secondsOf(...by: readonly ('job' | 'class' | 'user' | 'gpu')[]): Readonly<Record<string, number>> {
    const { cells } = this.ledger.cells(0, this.clock.ms + 1e7);
    return Object.fromEntries(
      sumUp(cells, by).map(({ by: values, ms }) => [by.map((one) => values[one]).join(' '), ms / 1000]),
    );
  }
}

describe.skipIf(missing !== undefined)('Slurm', () => {
  let lab: SlurmLab | undefined;
  let folder: string;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'whyidle-hours-'));
    lab = await SlurmLab.start(await freePort());
  }, 30_000);
  afterAll(async () => {
    await lab?.stop();
    rmSync(folder, { recursive: true, force: true });
  }, 30_000);

  test('batch, array, several nodes, a held GPU, requeue and cancel: each second is of the right job', async () => {
    if (!lab) throw new Error('Slurm did not start');
    const batch = lab.submit('-J', 'resnet 50', '--gres=gpu:3', '-w', 'hgx01');
    const wide = lab.submit('-N2', '--gres=gpu:2', '-J', 'wide');
    const array = lab.submit('-a', '0-1', '--gres=gpu:1', '-w', 'hgx02', '-J', 'sweep');
    await lab.untilRunning(batch, wide, array);
    // A GPU held by nobody at all.
    lab.run('salloc', '--no-shell', '--gres=gpu:1', '-w', 'hgx02', '-J', 'jupyter');
    const held = lab.run('squeue', '-h', '-n', 'jupyter', '-o', '%i');
    await lab.untilRunning(held);

    const startMs = Math.ceil(Date.now() / 10_000) * 10_000;
    let site = new Site(lab, folder, undefined, startMs);
    await site.live(1);
    await site.ask();
    const ofHeld = new Set(site.table.find(held)?.gpus.map(({ uuid }) => uuid));
    expect(ofHeld.size).toBe(1);
    expect(site.table.find(`${array}_1`)?.arrayJobId).toBe(array);
    expect(
      site.table
        .find(wide)
        ?.gpus.map(({ node }) => node)
        .sort(),
    ).toEqual(['hgx01', 'hgx01', 'hgx02', 'hgx02']);
    expect(site.table.find(batch)?.name).toBe('resnet 50');
    for (let minute = 0; minute < 6; minute++) {
      await site.live(60, ofHeld);
      await site.ask();
    }
    expect(site.secondsOf('job', 'class')[`${held} held.no_process`]).toBeGreaterThan(60);

    // Back in the queue with another to hold its GPUs, and one that is cancelled.
    lab.run('scancel', wide);
    lab.run('scontrol', 'requeuehold', batch);
    const next = lab.submit('--gres=gpu:3', '-w', 'hgx01', '-J', 'next');
    await lab.untilRunning(next);
    await site.ask();
    expect(site.table.find(batch)?.endMs).toBeDefined();
    await site.live(120, ofHeld);
    await site.ask();
    await site.live(60, ofHeld);
    const beforeEnd = site.booked;
    expect(Object.values(site.secondsOf('job')).reduce((sum, one) => sum + one, 0) * 1000).toBe(beforeEnd);

    // The server ends and comes back: what is booked stays with its jobs.
    const saved = site.save();
    const kept = site.secondsOf('job', 'gpu');
    site = new Site(lab, folder, saved, site.clock.ms + 20_000);
    await site.live(1);
    await site.ask();
    await site.live(90, ofHeld);
    const after = site.secondsOf('job', 'gpu');
    for (const [key, seconds] of Object.entries(kept)) expect(after[key]).toBeGreaterThanOrEqual(seconds);
    const sums = site.secondsOf('job');
    expect(Object.values(sums).reduce((sum, one) => sum + one, 0) * 1000).toBe(site.booked);
    // 3 GPUs for 6 minutes; a slot at either end may be shared.
    expect(Math.abs((sums[batch] ?? 0) - 3 * 360)).toBeLessThanOrEqual(3 * 20);
    expect(Math.abs((sums[wide] ?? 0) - 4 * 360)).toBeLessThanOrEqual(4 * 20);
    expect(sums[next]).toBeGreaterThan(3 * 180);
    expect(site.secondsOf('user')['root']).toBeGreaterThan(0);
  }, 60_000);
});
