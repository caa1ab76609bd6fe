// A real Slurm and real processes: scheduler, cgroup or slurmstepd, and the environment that Slurm gave each process agree on whose
// each GPU is; drained and reserved nodes, forged names, runs of a requeued job, slurmrestd.
import { createCommandRunner } from '#agent/command';
import type { GpuHolder } from '#agent/contract';
import { spawn, type ChildProcess } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findProcessOwner } from '../../agent/owners/process-owner.ts';
import { Tree } from '../../agent/sources/tree.ts';
import { Fleet } from '../../server/fleet/fleet.ts';
import { JobTable } from '../../server/jobs/job-table.ts';
import { openRunStore } from '../../server/jobs/open-run-store.ts';
import { readGresConf } from '../../server/jobs/slurm/gres-conf.ts';
import type { SlurmSource } from '../../server/jobs/slurm/model.ts';
import { createRestSource } from '../../server/jobs/slurm/rest-client.ts';
import { createScontrolSource } from '../../server/jobs/slurm/scontrol-source.ts';
import { Ledger } from '../../server/ledger/ledger.ts';
import { silentLog } from '../../server/log.ts';
import { leftOut } from '../left-out.ts';
import { gpuSeries, SetClock, StandInNode } from '../server/stand-in.ts';
import { freePort, until } from '../system/program.ts';
import { missingPrograms } from './programs.ts';
import { SlurmLab } from './slurm-lab.ts';

const missing =
  missingPrograms('slurmctld', 'slurmd', 'munged', 'scontrol', 'sbatch', 'slurmrestd') ??
  (process.getuid?.() === 0 ? undefined : 'Slurm needs root');
if (missing !== undefined) leftOut('real/slurm-owners', missing);

const NODES = ['hgx01', 'hgx02'] as const;
const GPUS = [0, 1, 2, 3, 4, 5, 6, 7];
/** The driver numbers its files from behind: minor 7 is on the first place of the bus. */
const uuidOfMinor = (node: string, minor: number): string => `${node}-${7 - minor}`;
const addressOf = (gpu: number): string => `0000:0${gpu}:00.0`;

describe.skipIf(missing !== undefined)('a real Slurm', () => {
  let lab: SlurmLab;
  let folder: string;
  let rest: ChildProcess | undefined;
  let store: ReturnType<typeof openRunStore>;
  const clock = new SetClock();

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'whyidle-owners-'));
    chmodSync(folder, 0o755);
    store = openRunStore(folder, silentLog);
    lab = await SlurmLab.start(await freePort());
  }, 30_000);
  afterAll(async () => {
    rest?.kill();
    store?.close();
    await lab.stop();
    rmSync(folder, { recursive: true, force: true });
  }, 30_000);

  function siteOf(): { fleet: Fleet; table: JobTable } {
    const fleet = new Fleet(new Ledger());
    clock.ms = Date.now();
    for (const name of NODES) {
      const series = GPUS.flatMap((gpu) => gpuSeries({ gpu: String(gpu), uuid: `${name}-${gpu}` }));
      new StandInNode(name, { clock, fleet }).sample(series);
    }
    return { fleet, table: new JobTable(fleet, { store, files: readGresConf(lab.conf), wallMs: clock.ms }) };
  }

  function scontrol(): SlurmSource {
    return createScontrolSource({ scontrol: 'scontrol', slurmConf: lab.conf, runner: createCommandRunner() });
  }

  async function ask(table: JobTable, source = scontrol()): Promise<void> {
    clock.ms = Date.now();
    const [jobs, nodes] = [await source.jobs(), await source.nodes()];
    table.take({ jobs, nodes, answeredMs: clock.ms, problem: undefined }, clock.ms);
  }

  interface RealProcess {
    readonly pid: number;
    readonly node: string;
    readonly job: string;
    readonly minors: readonly number[];
  }

  /** What Slurm told each of its sleepers: its job, its node, and the numbers of its GPUs there. */
  async function sleepers(count: number): Promise<readonly RealProcess[]> {
    return until('all sleepers', () => {
      const jobs = lab.run('squeue', '-h', '-t', 'RUNNING', '-o', '%A').split('\n');
      const found = jobs.flatMap((job) => NODES.flatMap((node) => pidsOf(job, node)));
      const sleeping = found.flatMap((pid) => sleeperOf(pid) ?? []);
      return sleeping.length === count ? sleeping : undefined;
    });
  }

  function pidsOf(job: string, node: string): readonly number[] {
    try {
      const lines = lab.run('scontrol', 'listpids', job, node).split('\n');
      return lines.flatMap((line) => /^\s*(\d+) /.exec(line)?.[1] ?? []).map(Number);
    } catch {
      return []; // nothing of it runs there
    }
  }

  function sleeperOf(pid: number): RealProcess | undefined {
    try {
      if (!readFileSync(`/proc/${pid}/comm`, 'utf8').startsWith('sleep')) return undefined;
      const words = readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0');
      const value = (name: string) => words.find((word) => word.startsWith(`${name}=`))?.slice(name.length + 1);
      // Of the step: what stands for the whole job is that of its first node.
      const gpus = value('SLURM_STEP_GPUS') ?? value('SLURM_JOB_GPUS') ?? '';
      const minors = gpus.split(',').filter(Boolean).map(Number);
      // Its words are not there yet in the moment of its start.
      if (minors.length === 0) return undefined;
      return { pid, node: value('SLURMD_NODENAME') ?? '', job: value('SLURM_JOB_ID') ?? '', minors };
    } catch {
      return undefined; // it has just ended
    }
  }

  function tell(table: JobTable, processes: readonly RealProcess[], strays: readonly GpuHolder[] = []): void {
    const tree = new Tree('/');
    for (const name of NODES) {
      const holders = processes
        .filter(({ node }) => node === name)
        .flatMap(({ pid, minors }) => {
          const found = findProcessOwner(tree, pid);
          if (!found) throw new Error(`process ${pid} is gone`);
          return minors.map((minor) => ({
            uuid: uuidOfMinor(name, minor),
            pid,
            started_ms: null,
            user: 'root',
            ...found,
          }));
        });
      table.takeOwners(name, {
        devices: GPUS.map((gpu) => ({ pci_bus_id: addressOf(gpu), minor: 7 - gpu })),
        seen: GPUS.map((gpu) => `${name}-${gpu}`),
        holders: [...holders, ...strays.filter(({ uuid }) => uuid.startsWith(name))],
        ...{ pods: null, hints: [] },
      });
    }
    clock.ms += 2000;
    table.renew(clock.ms, clock.ms);
  }

  test('every process says of its GPUs what Slurm says, by the driver’s numbers', async () => {
    const wide = lab.run(
      ...(['sbatch', '--parsable', '--export=NONE', '-o', '/dev/null', '-N2', '--gres=gpu:2', '-J', 'wide'] as const),
      ...['--wrap', '/usr/bin/srun --export=ALL -n2 -N2 --gres=gpu:2 /bin/sleep 600'],
    );
    await lab.untilRunning(wide);
    const batch = lab.submit('--gres=gpu:3', '-w', 'hgx02', '-J', 'x UserId=mallory(666) GroupId=m(1) MCS_label=N/A');
    const array = lab.submit('-a', '0-1', '--gres=gpu:1', '-w', 'hgx01');
    await lab.untilRunning(batch, array);
    lab.run('salloc', '--no-shell', '--gres=gpu:1', '-w', 'hgx01', '-J', 'jupyter');
    const held = lab.run('squeue', '-h', '-n', 'jupyter', '-o', '%i');
    const processes = await sleepers(5);
    const stray = spawn('/bin/sleep', ['600']);
    try {
      const { table } = siteOf();
      await ask(table);
      const found = findProcessOwner(new Tree('/'), stray.pid ?? 0);
      if (!found) throw new Error('the stray process is gone');
      tell(table, processes, [{ uuid: 'hgx02-0', pid: stray.pid ?? 0, started_ms: null, user: 'root', ...found }]);
      for (const { node, job, minors } of processes) {
        for (const minor of minors) {
          const owner = table.ownerOf(node, uuidOfMinor(node, minor), clock.ms);
          expect([owner.kind, owner.jobs.map(({ id }) => id)], `${node} ${minor}`).toEqual(['job', [job]]);
        }
      }
      const kinds = NODES.flatMap((node) => GPUS.map((gpu) => table.ownerOf(node, `${node}-${gpu}`, clock.ms).kind));
      const counts = Object.fromEntries(
        [...Map.groupBy(kinds, (kind) => kind)].map(([kind, all]) => [kind, all.length]),
      );
      expect(counts).toEqual({ job: 9, held: 1, outside: 1, free: 5 });
      const heldGpus = table.find(held)?.gpus ?? [];
      expect(heldGpus).toHaveLength(1);
      expect(table.ownerOf('hgx01', heldGpus[0]?.uuid ?? '', clock.ms)).toMatchObject({ kind: 'held' });
      // A name may not frame somebody else.
      expect(table.find(batch)?.user).toBe('');
      expect(table.find(wide)?.user).toBe('root');
    } finally {
      stray.kill();
    }
  }, 60_000);

  test('slurmrestd says what scontrol says', async () => {
    const socket = join(folder, 'rest', 'sock');
    mkdirSync(join(folder, 'rest'));
    chmodSync(join(folder, 'rest'), 0o777);
    // It refuses to be root, and its part for accounts wants a slurmdbd.
    rest = spawn('slurmrestd', ['-s', 'v0.0.38', '-a', 'rest_auth/local', `unix:${socket}`], {
      uid: 65_534,
      gid: 65_534,
      stdio: 'ignore',
      env: { PATH: process.env['PATH'], SLURM_CONF: lab.conf },
    });
    const source = createRestSource({ url: `unix:${socket}`, tokenFile: undefined, user: undefined });
    const jobs = await until('slurmrestd', () => source.jobs().catch(() => undefined), 10_000);
    const byTool = await scontrol().jobs();
    expect(jobs.length).toBeGreaterThan(3);
    for (const job of jobs) {
      const other = byTool.find(({ id }) => id === job.id);
      const told = { id: job.id, state: job.state, gpus: job.gpus, requestedGpus: job.requestedGpus, cpus: job.cpus };
      expect(other).toMatchObject(told);
      if (job.state === 'RUNNING') expect(job.startMs).toBe(other?.startMs);
    }
    const bySlurm = await source.nodes();
    expect(bySlurm.map(({ name, state }) => [name, state])).toEqual(
      (await scontrol().nodes()).map(({ name, state }) => [name, state]),
    );
  }, 30_000);

  test('drained and reserved nodes are out as planned, with their reason', async () => {
    lab.run('scontrol', 'update', 'nodename=hgx02', 'state=drain', 'reason=fan 3 broken, State=IDLE');
    const { table } = siteOf();
    await ask(table);
    expect(table.planned).toEqual([{ node: 'hgx02', state: 'MIXED+DRAIN', reason: 'fan 3 broken, State=IDLE' }]);
    lab.run('scontrol', 'update', 'nodename=hgx02', 'state=resume');
    lab.run(
      ...(['scontrol', 'create', 'reservation', 'reservationname=upgrade', 'starttime=now', 'duration=60'] as const),
      ...['users=root', 'flags=maint,ignore_jobs', 'nodes=hgx01'],
    );
    await until('the reservation', () => /MAINT|RESERVED/.exec(lab.run('scontrol', 'show', 'node', 'hgx01'))?.[0]);
    await ask(table);
    expect(table.planned).toMatchObject([
      { node: 'hgx01', state: expect.stringMatching(/MAINT|RESERVED/) as string, reason: 'reservation upgrade' },
    ]);
    lab.run('scontrol', 'delete', 'reservationname=upgrade');
  }, 30_000);

  test('a job that is put back and runs again has two runs, also after a restart; one that is cancelled has an end', async () => {
    const job = lab.submit('--requeue', '--gres=gpu:2', '-w', 'hgx01', '-J', 'again');
    await lab.untilRunning(job);
    const { table } = siteOf();
    await ask(table);
    const first = table.find(job);
    lab.run('scontrol', 'requeue', job);
    // Slurm waits two minutes before it starts it again, unless it is told.
    await until(
      'the queue',
      () => (lab.run('squeue', '-h', '-j', job, '-o', '%T') === 'PENDING' ? true : undefined),
      20_000,
    );
    lab.run('scontrol', 'update', `jobid=${job}`, 'starttime=now');
    await lab.untilRunning(job);
    await ask(table);
    expect(table.runsOf(job).map(({ state, restarts }) => [state, restarts])).toEqual([
      ['RUNNING', 1],
      ['REQUEUED', 0],
    ]);
    const again = siteOf().table;
    lab.run('scancel', job);
    await until('the end', () =>
      lab.run('squeue', '-h', '-j', job, '-t', 'RUNNING,COMPLETING') === '' ? true : undefined,
    );
    await ask(again);
    const runs = again.runsOf(job);
    expect(runs.map(({ state }) => state)).toEqual(['CANCELLED', 'REQUEUED']);
    expect(runs.every(({ startMs, endMs }) => endMs !== undefined && endMs >= startMs)).toBe(true);
    expect(runs[1]).toMatchObject({ startMs: first?.startMs ?? -1, gpus: first?.gpus ?? [] });
    const [gpu] = first?.gpus ?? [];
    expect(again.jobOf(gpu?.node ?? '', gpu?.uuid ?? '', first?.startMs)?.id).toBe(job);
  }, 90_000);
});
