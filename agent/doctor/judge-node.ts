// What the facts say of everything on a node that is no GPU.
import { countPressure, joinGroup } from './commands.ts';
import type { NodeFacts } from './facts.ts';
import { fix, look, type Finding } from './finding.ts';
import { hasGpus } from './judge-gpu.ts';

export function judgeKernelLog(facts: NodeFacts): readonly Finding[] {
  const { kernelLog, system } = facts;
  const { kmsg, journal } = kernelLog;
  if (kmsg === 'readable') return [{ area: 'kernel_log', mark: 'ok', what: 'read from /dev/kmsg' }];
  if (journal === 'readable') return [{ area: 'kernel_log', mark: 'ok', what: 'read from the journal' }];
  if (!hasGpus(facts))
    return [{ area: 'kernel_log', mark: 'none', what: 'not readable; only Xids of GPUs are looked for in it' }];
  const finding = {
    area: 'kernel_log',
    mark: 'missing',
    what: 'the kernel log cannot be read',
    why: 'Xids of the driver stand there; NVML does not report all of them',
  } as const;
  if (journal === 'forbidden') return [{ ...finding, ...joinGroup('systemd-journal', system.account) }];
  if (kmsg === 'forbidden') return [{ ...finding, ...fix('sudo sysctl -w kernel.dmesg_restrict=0') }];
  return [{ ...finding, why: `${finding.why}; there is neither /dev/kmsg nor a journal here` }];
}

const ACTIVE = 4;
const stateNames: Readonly<Record<number, string>> = { 1: 'down', 2: 'init', 3: 'armed', 5: 'active, deferred' };

export function judgeInfiniband({ infiniband: { onBus, ports } }: NodeFacts): readonly Finding[] {
  if (ports.length === 0) return [onBus === 0 ? noInfiniband : noPorts(onBus)];
  const down = ports.filter(({ state }) => state !== ACTIVE);
  const what = `${ports.length - down.length} of ${ports.length} ports active`;
  if (down.length === 0) return [{ area: 'infiniband', mark: 'ok', what }];
  // A node may have ports that nobody ever cabled; those that wait for a subnet manager are meant to work.
  const waiting = down.find(({ state, isRoce }) => state === 2 && !isRoce);
  const names = down.map(({ name, state }) => `${name} ${stateNames[state ?? 0] ?? 'not known'}`).join(', ');
  const why = waiting
    ? `${names}; a port in init waits for a subnet manager of its fabric`
    : `${names}; a port that is down has no cable, or no answer at the other end`;
  const [device = ''] = (waiting ?? down[0])?.name.split('/') ?? [];
  return [{ area: 'infiniband', mark: 'warning', what, why, ...look(waiting ? 'sudo sminfo' : `ibstat ${device}`) }];
}

const noInfiniband: Finding = { area: 'infiniband', mark: 'none', what: 'no InfiniBand adapter on the PCI bus' };

function noPorts(adapters: number): Finding {
  return {
    area: 'infiniband',
    mark: 'missing',
    what: `${adapters} ${adapters === 1 ? 'adapter' : 'adapters'} on the PCI bus, no port below /sys/class/infiniband`,
    why: 'the module that shows them is not loaded',
    ...fix('sudo modprobe -a mlx5_ib ib_umad'),
  };
}

export function judgeNvme({ nvme: { onBus, controllers, down } }: NodeFacts): readonly Finding[] {
  if (onBus === 0 && controllers === 0) return [{ area: 'nvme', mark: 'none', what: 'no NVMe drive' }];
  if (controllers < onBus)
    return [
      {
        area: 'nvme',
        mark: 'missing',
        what: `${controllers} of ${onBus} NVMe controllers on the PCI bus have a driver`,
        why: 'the others did not start, or were given away',
        ...look('sudo journalctl -k -b | grep nvme'),
      },
    ];
  if (down.length === 0)
    return [
      {
        area: 'nvme',
        mark: 'ok',
        what: controllers === 1 ? '1 NVMe controller, live' : `${controllers} NVMe controllers, all live`,
      },
    ];
  const what = `NVMe controllers that are not live: ${down.join(', ')}`;
  return [
    {
      area: 'nvme',
      mark: 'warning',
      what,
      why: 'they are being reset, or failed',
      ...look(`sudo journalctl -k -b | grep ${down[0] ?? 'nvme'}`),
    },
  ];
}

export function judgeMounts({ mounts: { count, silent } }: NodeFacts): readonly Finding[] {
  const [first] = silent;
  if (!first) {
    const what =
      count === 0 ? 'no file system to watch' : count === 1 ? '1 file system answers' : `${count} file systems answer`;
    return [{ area: 'mounts', mark: count === 0 ? 'none' : 'ok', what }];
  }
  return [
    {
      area: 'mounts',
      mark: 'missing',
      what: `no answer from ${silent.map(({ mountpoint }) => mountpoint).join(', ')}`,
      why: `whoever touches it hangs until ${first.device} answers again`,
      ...look(`timeout 5 stat -f ${quoted(first.mountpoint)}`),
    },
  ];
}

export function judgePressure({ pressure: { isThere, config }, system }: NodeFacts): readonly Finding[] {
  if (isThere) return [{ area: 'pressure', mark: 'ok', what: 'the kernel counts pressure (PSI)' }];
  const finding = { area: 'pressure', mark: 'missing', what: 'the kernel does not count pressure (PSI)' } as const;
  if (config === 'not_built')
    return [{ ...finding, why: 'it was built without CONFIG_PSI: only another kernel has it' }];
  const why =
    config === 'off_by_default'
      ? 'it was built with CONFIG_PSI_DEFAULT_DISABLED and started without psi=1'
      : 'it was started without it, or is older than 4.20';
  return [{ ...finding, why, ...countPressure(system.family) }];
}

export function judgeProcesses({ processes: { seesOthers, hidepid }, system }: NodeFacts): readonly Finding[] {
  if (seesOthers) return [{ area: 'processes', mark: 'ok', what: 'processes of all users can be seen' }];
  const why =
    hidepid === ''
      ? '/proc of this container or mount shows only its own'
      : `/proc is mounted with hidepid=${hidepid}, so who holds a GPU is not known`;
  return [
    {
      area: 'processes',
      mark: 'warning',
      what: 'processes of other users are hidden',
      why,
      ...(hidepid === '' ? {} : fix(`sudo mount -o remount,hidepid=${hidepid},gid=$(id -g ${system.account}) /proc`)),
    },
  ];
}

export function judgeAgent({ system, failed }: NodeFacts): readonly Finding[] {
  const root: readonly Finding[] =
    system.isHost && system.isRoot && system.account !== system.user
      ? [
          {
            area: 'agent',
            mark: 'warning',
            what: 'root looks at this node, the agent will not',
            why: `what ${system.account} may not read does not show this way`,
            ...fix(`sudo -u ${system.account} whyidle doctor`),
          },
        ]
      : [];
  const areas = failed.map(({ area, reason }): Finding => ({
    area: 'agent',
    mark: 'missing',
    what: `${area} could not be read`,
    why: reason === 'timed_out' ? 'it did not answer in time' : `its reading failed (${reason})`,
  }));
  return [...root, ...areas];
}

/** For a shell, where it is more than plain words. */
function quoted(path: string): string {
  return /^[\w./-]+$/.test(path) ? path : `'${path.replaceAll("'", String.raw`'\''`)}'`;
}
