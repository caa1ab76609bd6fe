// A Slurm of one host with two nodes of eight made-up GPUs each, in a folder of its own. slurm.conf(5), gres.conf(5); needs root.
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { until as untilDefined } from '../system/program.ts';

const NODES = ['hgx01', 'hgx02'] as const;
const GPUS = 8;

export class SlurmLab {
  readonly folder: string;

  private constructor(folder: string) {
    this.folder = folder;
  }

  static async start(port: number): Promise<SlurmLab> {
    const folder = mkdtempSync(join(tmpdir(), 'whyidle-slurm-'));
    chmodSync(folder, 0o755);
    const lab = new SlurmLab(folder);
    for (const name of ['etc', 'run', 'log', 'state', 'dev', 'munge']) mkdirSync(join(folder, name), { mode: 0o755 });
    lab.#writeConfiguration(port);
    lab.run('munged', '--force', ...lab.#mungeFlags());
    lab.run('slurmctld', '-c');
    for (const node of NODES) {
      mkdirSync(join(folder, `spool-${node}`));
      lab.run('slurmd', '-N', node);
    }
    await until(
      () =>
        lab
          .run('sinfo', '-h', '-N', '-o', '%T')
          .split('\n')
          .filter((state) => state === 'idle').length === NODES.length,
    );
    return lab;
  }

  get conf(): string {
    return join(this.folder, 'etc/slurm.conf');
  }

  /** Standard output of a program of Slurm; throws with what it says if it fails. */
  run(program: string, ...args: readonly string[]): string {
    const { status, stdout, stderr, error } = spawnSync(program, args, {
      encoding: 'utf8',
      timeout: 20_000,
      env: { PATH: process.env['PATH'], SLURM_CONF: this.conf },
      cwd: this.folder,
    });
    if (error ?? status !== 0) throw new Error(`${program} ${args.join(' ')}: ${error?.message ?? stderr}`);
    return stdout.trim();
  }

  /** A job that sleeps; gives its number. */
  submit(...flags: readonly string[]): string {
    return this.run('sbatch', '--parsable', '--export=NONE', '-o', '/dev/null', ...flags, '--wrap', '/bin/sleep 600');
  }

  async untilRunning(...jobs: readonly string[]): Promise<void> {
    const states = (): string => this.run('squeue', '-h', '-j', jobs.join(','), '-o', '%T');
    await until(() =>
      states()
        .split('\n')
        .every((state) => state === 'RUNNING'),
    );
  }

  async stop(): Promise<void> {
    spawnSync('scancel', ['-f', '-p', 'gpu'], { env: { PATH: process.env['PATH'], SLURM_CONF: this.conf } });
    await until(() => this.run('squeue', '-h') === '').catch(() => undefined);
    for (const name of [...NODES.map((node) => `slurmd-${node}`), 'slurmctld', 'munge']) {
      try {
        process.kill(Number(readFileSync(join(this.folder, 'run', `${name}.pid`), 'utf8')));
      } catch {
        // It never came up, or has gone already.
      }
    }
    await until(() => this.#daemons().length === 0).catch(() => undefined);
    rmSync(this.folder, { recursive: true, force: true });
  }

  #daemons(): readonly string[] {
    const { stdout } = spawnSync('pgrep', ['-f', this.folder], { encoding: 'utf8' });
    return stdout.split('\n').filter((pid) => pid !== '');
  }

  #mungeFlags(): readonly string[] {
    const of = (name: string): string => join(this.folder, 'munge', name);
    writeFileSync(of('key'), Buffer.alloc(1024, 7), { mode: 0o600 });
    const pid = join(this.folder, 'run/munge.pid');
    return [
      `--key-file=${of('key')}`,
      `--socket=${of('sock')}`,
      `--pid-file=${pid}`,
      `--log-file=${of('log')}`,
      `--seed-file=${of('seed')}`,
    ];
  }

  #writeConfiguration(port: number): void {
    const at = (name: string): string => join(this.folder, name);
    const nodes = NODES.map(
      (node, number) =>
        `NodeName=${node} NodeAddr=127.0.0.1 NodeHostname=${hostname()} Port=${port + 2 + number} CPUs=96 Boards=1 SocketsPerBoard=2 CoresPerSocket=48 ThreadsPerCore=1 RealMemory=100000 Gres=gpu:v100:${GPUS} State=UNKNOWN`,
    );
    const lines = [
      'ClusterName=lab',
      'SlurmctldHost=localhost(127.0.0.1)',
      `SlurmctldPort=${port}`,
      'SlurmUser=root',
      'AuthType=auth/munge',
      `AuthInfo=socket=${at('munge/sock')}`,
      `StateSaveLocation=${at('state')}`,
      `SlurmdSpoolDir=${at('spool-%n')}`,
      `SlurmctldPidFile=${at('run/slurmctld.pid')}`,
      `SlurmdPidFile=${at('run/slurmd-%n.pid')}`,
      `SlurmctldLogFile=${at('log/slurmctld.log')}`,
      `SlurmdLogFile=${at('log/slurmd-%n.log')}`,
      'MpiDefault=none',
      'MailProg=/bin/true',
      'ReturnToService=2',
      'KillWait=2',
      'SchedulerParameters=batch_sched_delay=0,sched_interval=1,sched_min_interval=0',
      'SelectType=select/cons_tres',
      'SelectTypeParameters=CR_Core',
      'GresTypes=gpu',
      'SlurmdParameters=config_overrides',
      'ProctrackType=proctrack/linuxproc',
      'TaskPlugin=task/none',
      'AccountingStorageType=accounting_storage/none',
      ...nodes,
      'PartitionName=gpu Nodes=ALL Default=YES MaxTime=INFINITE State=UP',
    ];
    writeFileSync(this.conf, `${lines.join('\n')}\n`);
    // Slurm tells a job the numbers of its GPUs only where the files are devices; no driver stands behind these.
    for (let gpu = 0; gpu < GPUS; gpu++)
      this.run('mknod', '-m', '666', at(`dev/nvidia${gpu}`), 'c', '195', String(gpu));
    writeFileSync(
      at('etc/gres.conf'),
      `NodeName=hgx[01-02] Name=gpu Type=v100 File=${at('dev')}/nvidia[0-${GPUS - 1}]\n`,
    );
  }
}

function until(holds: () => boolean): Promise<true> {
  return untilDefined('Slurm', () => (holds() ? (true as const) : undefined), 20_000);
}
