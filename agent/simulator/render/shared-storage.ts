// Clients of shared storage as they tell themselves: proc/self/mountstats of NFS, llite stats of Lustre, and GPUDirect Storage
// with its accounting off, as it is delivered. Formats: fs/nfs/super.c, the Lustre manual, NVIDIA/gds-nvidia-fs.
import type { Counter } from '../counter.ts';
import type { NodeHardware } from '../hardware.ts';
import type { LustreCounters, NfsCounters } from '../shared-storage.ts';
import type { NodeState } from '../workload.ts';
import type { TreeWriter } from './tree-writer.ts';

const PAGE = 4096;
const LUSTRE_CLIENT = 'scratch-ffff9c8d45f7a800';

export function writeSharedStorage(tree: TreeWriter<NodeState>, hardware: NodeHardware): void {
  tree.changing('proc/self/mountstats', ({ counters, timeS }) =>
    renderMountStats(counters.nfs, Math.floor(timeS + hardware.upAtStartS)),
  );
  tree.changing(`proc/fs/lustre/llite/${LUSTRE_CLIENT}/stats`, ({ counters, timeS }) =>
    renderLlite(counters.lustre, Math.floor(hardware.bootTimeS + hardware.upAtStartS + timeS)),
  );
  tree.file('proc/driver/nvidia-fs/stats', renderNvidiaFs(hardware));
}

/** Milliseconds of an operation: queued, until the answer, altogether. */
const times = {
  READ: [0.01, 0.9, 1],
  WRITE: [0.02, 1.4, 1.6],
  GETATTR: [0.01, 0.3, 0.3],
  OPEN: [0.01, 0.6, 0.7],
} as const;
const sizes = { READ: [180, 262_300], WRITE: [262_350, 120], GETATTR: [172, 240], OPEN: [300, 390] } as const;

function renderMountStats({ readBytes, writtenBytes, operations }: NfsCounters, ageS: number): string {
  const rows = (['READ', 'WRITE', 'OPEN', 'GETATTR'] as const).map((name) => {
    const count = operations[name].whole;
    const spent = [...sizes[name], ...times[name]].map((each) => Math.floor(count * each));
    return `\t${name.padStart(12)}: ${[count, count, 0, ...spent, 0].join(' ')}\n`;
  });
  const bytes = [readBytes, writtenBytes].map(String);
  const pages = [readBytes, writtenBytes].map(({ whole }) => Math.floor(whole / PAGE));
  return [
    'device /dev/sda2 mounted on / with fstype ext4\n',
    'device /dev/md0 mounted on /raid with fstype xfs\n',
    'device nfs01:/export/home mounted on /home with fstype nfs4 statvers=1.1\n',
    '\topts:\trw,vers=4.2,rsize=1048576,wsize=1048576,namlen=255,acregmin=3,acregmax=60,hard,proto=tcp,nconnect=8,timeo=600,retrans=2,sec=sys,clientaddr=10.10.1.9,local_lock=none\n',
    `\tage:\t${ageS}\n`,
    '\tcaps:\tcaps=0xffbfff7,wtmult=512,dtsize=32768,bsize=0,namlen=255\n',
    `\tbytes:\t${[...bytes, 0, 0, ...bytes, ...pages].join(' ')}\n`,
    '\tRPC iostats version: 1.1  p/v: 100003/4 (nfs)\n',
    '\txprt:\ttcp 875 0 1 0 0 918 918 0 1021 0 2 12 918\n',
    '\tper-op statistics\n',
    '\t        NULL: 1 1 0 44 24 0 0 0 0\n',
    ...rows,
  ]
    .join('')
    .trimEnd();
}

function renderLlite({ readBytes, writtenBytes, reads, writes, opens, lookups }: LustreCounters, nowS: number): string {
  const line = (name: string, rest: string): string => `${name.padEnd(25)} ${rest}`;
  const count = (name: string, value: Counter): string => line(name, `${value.toString()} samples [regs]`);
  const sum = (name: string, [samples, least, bytes]: readonly [Counter, number, Counter]): string =>
    line(name, `${samples.toString()} samples [bytes] ${least} 1048576 ${bytes.toString()}`);
  return [
    line('snapshot_time', `${nowS}.000000000 secs.nsecs`),
    sum('read_bytes', [reads, 4096, readBytes]),
    sum('write_bytes', [writes, 512, writtenBytes]),
    count('open', opens),
    count('close', opens),
    count('getattr', lookups),
    count('inode_permission', lookups),
  ].join('\n');
}

function renderNvidiaFs({ gpus }: NodeHardware): string {
  const boards = gpus.map(
    ({ bus, uuid }) =>
      `GPU 0000:${bus.toString(16).padStart(2, '0')}:00.0  uuid:${uuid.slice(4)} : Registered_MiB=0 Cache_MiB=0 max_pinned_MiB=0\n`,
  );
  return `GDS Version: 1.4.0.31
NVFS statistics(ver: 4.0)
NVFS Driver(version: 2.13.5)
Mellanox PeerDirect Supported: True
IO stats: Disabled, peer IO stats: Disabled
Logging level: info

Active Shadow-Buffer (MiB): 0
Active Process: 0
Reads                : err=0 io_state_err=0
Sparse Reads         : n=0 io=0 holes=0 pages=0
Writes               : err=0 io_state_err=0 pg-cache=0 pg-cache-fail=0 pg-cache-eio=0
Mmap                 : n=0 ok=0 err=0 munmap=0
Bar1-map             : n=0 ok=0 err=0 free=0 callbacks=0 active=0 delay-frees=0
Error                : cpu-gpu-pages=0 sg-ext=0 dma-map=0 dma-ref=0
Ops                  : Read=0 Write=0 BatchIO=0
${boards.join('')}`;
}
