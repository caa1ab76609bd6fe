// The doctor's opinions as a table: the facts, the area and mark, the reason, and the exact command.
import { describe, expect, test } from 'vitest';
import type { NodeFacts } from '../../../agent/doctor/facts.ts';
import { needsSomebody } from '../../../agent/doctor/finding.ts';
import { judgeNode } from '../../../agent/doctor/judge.ts';
import { healthy, withGpu } from './healthy.ts';

const silent = { up: false, backend: '', profiling: '', seen: undefined, missing: 'not_present' } as const;
const troubles = (facts: NodeFacts) => judgeNode(facts).filter(needsSomebody);

test('a healthy node has nothing to do, and says what it has', () => {
  expect(troubles(healthy)).toEqual([]);
  expect(judgeNode(healthy).map(({ area, mark, what }) => `${area} ${mark}: ${what}`)).toEqual([
    'gpu ok: 8 of 8 GPUs answer (Tesla V100-SXM3-32GB, driver 535.183.01)',
    'gpu ok: read through NVML',
    'profiling ok: SM and tensor activity by dcgmi',
    'fabric ok: 6 NVSwitches, the fabric manager runs',
    'kernel_log ok: read from the journal',
    'infiniband ok: 2 of 2 ports active',
    'nvme ok: 4 NVMe controllers, all live',
    'mounts ok: 3 file systems answer',
    'pressure ok: the kernel counts pressure (PSI)',
    'processes ok: processes of all users can be seen',
  ]);
});

test('a machine without anything special has nothing to do either', () => {
  const bare = withGpu(
    {
      onBus: 0,
      switches: 0,
      driver: { version: undefined, device: 'not_present' },
      reader: { ...silent, up: undefined },
    },
    {
      infiniband: { onBus: 0, ports: [] },
      nvme: { onBus: 0, controllers: 0, down: [] },
      mounts: { count: 0, silent: [] },
      kernelLog: { kmsg: 'forbidden', journal: 'forbidden' },
    },
  );
  expect(troubles(bare)).toEqual([]);
  expect(
    judgeNode(bare)
      .filter(({ mark }) => mark === 'none')
      .map(({ area }) => area),
  ).toEqual(['gpu', 'kernel_log', 'infiniband', 'nvme', 'mounts']);
});

type Row = readonly [
  situation: string,
  facts: NodeFacts,
  area: string,
  mark: string,
  why: RegExp,
  command: string | undefined,
];

const gpuRows: readonly Row[] = [
  [
    'no driver is installed',
    withGpu({ reader: silent, driver: { version: undefined, isInstalled: false } }),
    'gpu',
    'missing',
    /no NVIDIA driver is installed/,
    'sudo apt-get install nvidia-driver',
  ],
  [
    'the driver is installed, not loaded',
    withGpu({ reader: silent, driver: { version: undefined } }),
    'gpu',
    'missing',
    /installed and not loaded/,
    'sudo modprobe nvidia',
  ],
  [
    'nouveau has the GPUs on a RHEL-like system',
    withGpu(
      { reader: silent, driver: { version: undefined, nouveau: true } },
      { system: { ...healthy.system, family: 'rhel' } },
    ),
    'gpu',
    'missing',
    /nouveau holds the GPUs/,
    "printf 'blacklist nouveau\\noptions nouveau modeset=0\\n' | sudo tee /etc/modprobe.d/nouveau.conf && sudo dracut --force && sudo reboot",
  ],
  [
    'the device may not be opened',
    withGpu({ reader: silent, driver: { device: 'forbidden', deviceGroup: 'video' } }),
    'gpu',
    'missing',
    /whyidle may not open \/dev\/nvidiactl/,
    'sudo usermod -aG video whyidle',
  ],
  [
    'the device is for root alone: nobody is advised to join its group',
    withGpu({ reader: silent, driver: { device: 'forbidden', deviceGroup: 'root' } }),
    'gpu',
    'missing',
    /whyidle may not open \/dev\/nvidiactl/,
    undefined,
  ],
  [
    'a tool was named where there is no GPU and no driver: none is to be installed for nothing',
    withGpu({
      onBus: 0,
      reader: { ...silent, expected: undefined, missing: 'malformed', problem: 'no answer' },
      driver: { version: undefined },
    }),
    'gpu',
    'missing',
    /no answer$/,
    "sudo journalctl -k -b | grep -E 'NVRM|nvidia|nouveau'",
  ],
  [
    'the page that was named is not there',
    withGpu({
      onBus: 0,
      reader: { ...silent, up: undefined, expected: undefined, seen: undefined },
      tools: { dcgmExporter: 'http://127.0.0.1:9400/metrics' },
    }),
    'gpu',
    'missing',
    /does not answer, or has none/,
    'curl -s http://127.0.0.1:9400/metrics | grep -c ^DCGM_FI_',
  ],
  [
    'packages were updated under the loaded module',
    withGpu({ reader: { ...silent, missing: 'malformed' }, library: { version: '550.54.14' } }),
    'gpu',
    'missing',
    /library is of driver 550\.54\.14, the loaded module of 535\.183\.01/,
    'sudo systemctl reboot',
  ],
  [
    'there is neither library nor tool',
    withGpu({ reader: silent, library: { path: undefined, version: '' }, tools: { nvidiaSmi: false } }),
    'gpu',
    'missing',
    /neither libnvidia-ml\.so\.1 nor nvidia-smi/,
    'sudo apt-get install libnvidia-ml1',
  ],
  [
    'the driver is silent',
    withGpu({ reader: { ...silent, missing: 'timed_out' }, library: { problem: 'fell silent' } }),
    'gpu',
    'missing',
    /gives no answer \(timed_out\): fell silent/,
    "sudo journalctl -k -b | grep -E 'NVRM|nvidia|nouveau'",
  ],
  [
    'the driver is silent where nothing else tells of it',
    withGpu({
      onBus: 0,
      reader: { ...silent, expected: undefined, missing: 'timed_out' },
      driver: { version: undefined, device: 'not_present' },
    }),
    'gpu',
    'missing',
    /gives no answer \(timed_out\)$/,
    "sudo journalctl -k -b | grep -E 'NVRM|nvidia|nouveau'",
  ],
  [
    'the driver hangs',
    withGpu({ reader: { isStuck: true } }),
    'gpu',
    'missing',
    /cannot even be killed/,
    'sudo systemctl reboot',
  ],
  [
    'a GPU is lost',
    withGpu({ answering: 7, lost: ['5'] }),
    'gpu',
    'missing',
    /^GPU 5 is lost/,
    'sudo systemctl reboot',
  ],
  [
    'a GPU never came up',
    withGpu({ answering: 7, reader: { seen: 7 } }),
    'gpu',
    'missing',
    /fell off the bus/,
    'sudo systemctl reboot',
  ],
  [
    'the library is not there, so nvidia-smi reads',
    withGpu(
      { reader: { backend: 'nvidia_smi' }, library: { path: undefined, isAsked: false, version: '' } },
      { system: { ...healthy.system, family: 'ubuntu' } },
    ),
    'gpu',
    'warning',
    /not where drivers put it/,
    'sudo apt-get install libnvidia-compute-535-server',
  ],
  [
    'the system is built on musl',
    withGpu({ reader: { backend: 'nvidia_smi' } }, { system: { ...healthy.system, usesMusl: true, family: 'other' } }),
    'gpu',
    'warning',
    /needs glibc/,
    undefined,
  ],
  [
    'another way was named',
    withGpu({ reader: { backend: 'nvidia_smi' }, library: { isAsked: false } }),
    'gpu',
    'warning',
    /named on the command line/,
    undefined,
  ],
  [
    'the library is there and does not load',
    withGpu({ reader: { backend: 'nvidia_smi' }, library: { problem: 'wrong ELF class' } }),
    'gpu',
    'warning',
    /cannot be used: wrong ELF class/,
    undefined,
  ],
  [
    'persistence is off and no daemon is installed',
    withGpu({ withoutPersistence: ['0', '1'] }),
    'gpu',
    'warning',
    /unloads the GPU/,
    'sudo nvidia-smi -pm 1',
  ],
  [
    'persistence is off and its daemon is installed',
    withGpu({ withoutPersistence: ['0'], tools: { persistencedInstalled: true } }),
    'gpu',
    'warning',
    /unloads the GPU/,
    'sudo systemctl enable --now nvidia-persistenced',
  ],
];

const otherRows: readonly Row[] = [
  [
    'DCGM is not installed',
    withGpu({ reader: { profiling: 'none' }, tools: { dcgmi: false } }),
    'profiling',
    'warning',
    /not installed/,
    'sudo apt-get install datacenter-gpu-manager-4-cuda12 && sudo systemctl enable --now nvidia-dcgm',
  ],
  [
    'no host engine runs',
    withGpu({ reader: { profiling: 'none' }, tools: { hostEngineRuns: false } }),
    'profiling',
    'warning',
    /no host engine/,
    'sudo systemctl enable --now nvidia-dcgm',
  ],
  [
    'the page of the exporter has no profiling',
    withGpu({ reader: { profiling: 'none' }, tools: { dcgmExporter: 'http://127.0.0.1:9400/metrics' } }),
    'profiling',
    'warning',
    /no DCGM_FI_PROF_/,
    'curl -s http://127.0.0.1:9400/metrics | grep -c ^DCGM_FI_PROF_',
  ],
  [
    'profiling stands still',
    withGpu({ suspect: ['3'] }),
    'profiling',
    'warning',
    /lost its watch/,
    'sudo systemctl restart nvidia-dcgm',
  ],
  [
    'profiling of an exporter with its own engine stands still',
    withGpu({ suspect: ['3'], reader: { profiling: 'dcgm_exporter' }, tools: { hostEngineRuns: false } }),
    'profiling',
    'warning',
    /lost its watch/,
    undefined,
  ],
  [
    'profiling without DCGM stands still',
    withGpu({ suspect: ['3'], reader: { profiling: 'gpm' } }),
    'profiling',
    'warning',
    /^another profiler/,
    undefined,
  ],
  [
    'the fabric manager does not run',
    withGpu({ reader: { fabricManager: false } }),
    'fabric',
    'missing',
    /CUDA does not start/,
    'sudo systemctl enable --now nvidia-fabricmanager',
  ],
  [
    'the fabric manager is not installed',
    withGpu({ reader: { fabricManager: false }, tools: { fabricManagerInstalled: false } }),
    'fabric',
    'missing',
    /CUDA does not start/,
    'sudo apt-get install nvidia-fabricmanager-535',
  ],
  [
    'whether the fabric manager runs is hidden',
    withGpu({ reader: { fabricManager: undefined } }),
    'fabric',
    'warning',
    /hidden/,
    'systemctl status nvidia-fabricmanager',
  ],
  [
    'the journal is closed',
    { ...healthy, kernelLog: { kmsg: 'forbidden', journal: 'forbidden' } },
    'kernel_log',
    'missing',
    /Xids/,
    'sudo usermod -aG systemd-journal whyidle',
  ],
  [
    'there is no journal',
    { ...healthy, kernelLog: { kmsg: 'forbidden', journal: 'not_present' } },
    'kernel_log',
    'missing',
    /Xids/,
    'sudo sysctl -w kernel.dmesg_restrict=0',
  ],
  [
    'an adapter has no port',
    { ...healthy, infiniband: { onBus: 2, ports: [] } },
    'infiniband',
    'missing',
    /module/,
    'sudo modprobe -a mlx5_ib ib_umad',
  ],
  [
    'a port is down',
    { ...healthy, infiniband: { onBus: 1, ports: [{ name: 'mlx5_2/1', state: 1, isRoce: false }] } },
    'infiniband',
    'warning',
    /mlx5_2\/1 down/,
    'ibstat mlx5_2',
  ],
  [
    'a port waits for a subnet manager',
    { ...healthy, infiniband: { onBus: 1, ports: [{ name: 'mlx5_2/1', state: 2, isRoce: false }] } },
    'infiniband',
    'warning',
    /subnet manager/,
    'sudo sminfo',
  ],
  [
    'a drive has no driver',
    { ...healthy, nvme: { onBus: 4, controllers: 3, down: [] } },
    'nvme',
    'missing',
    /did not start/,
    'sudo journalctl -k -b | grep nvme',
  ],
  [
    'a mount is silent',
    { ...healthy, mounts: { count: 2, silent: [{ mountpoint: "/it's", device: 'nas:/x' }] } },
    'mounts',
    'missing',
    /until nas:\/x answers/,
    String.raw`timeout 5 stat -f '/it'\''s'`,
  ],
  [
    'pressure is off by default on a RHEL-like system',
    {
      ...healthy,
      system: { ...healthy.system, family: 'rhel' },
      pressure: { isThere: false, config: 'off_by_default' },
    },
    'pressure',
    'missing',
    /psi=1/,
    'sudo grubby --update-kernel=ALL --args=psi=1 && sudo reboot',
  ],
  [
    'the kernel has no PSI',
    { ...healthy, pressure: { isThere: false, config: 'not_built' } },
    'pressure',
    'missing',
    /without CONFIG_PSI/,
    undefined,
  ],
  [
    'processes are hidden',
    { ...healthy, processes: { seesOthers: false, hidepid: 'invisible' } },
    'processes',
    'warning',
    /hidepid=invisible/,
    'sudo mount -o remount,hidepid=invisible,gid=$(id -g whyidle) /proc',
  ],
  [
    'root looks',
    { ...healthy, system: { ...healthy.system, user: 'root', isRoot: true } },
    'agent',
    'warning',
    /whyidle may not read/,
    'sudo -u whyidle whyidle doctor',
  ],
  [
    'an area fell silent',
    { ...healthy, failed: [{ area: 'mounts', reason: 'timed_out' }] },
    'agent',
    'missing',
    /in time/,
    undefined,
  ],
];

describe('one thing wrong is one finding', () => {
  test.each([...gpuRows, ...otherRows])('%s', (_situation, facts, area, mark, why, command) => {
    const [finding, ...more] = troubles(facts);
    expect(more).toEqual([]);
    expect(finding).toMatchObject({ area, mark });
    expect(finding?.why).toMatch(why);
    expect(finding?.command?.text).toBe(command);
  });
});

test('Hopper counts by itself, where NVML reads: profiling waits for that', () => {
  const facts = withGpu({ reader: { profiling: 'none', backend: 'nvidia_smi' }, architectures: ['Hopper'] });
  expect(troubles(facts).map(({ area, mark }) => `${area} ${mark}`)).toEqual(['gpu warning', 'profiling warning']);
  expect(troubles(facts)[1]).toMatchObject({ why: expect.stringContaining('GPM') as string });
  expect(troubles(facts)[1]).not.toHaveProperty('command');
});

test('no command sets, resets or clears anything on a GPU except persistence', () => {
  const commands = [...gpuRows, ...otherRows].map(([, , , , , command]) => command ?? '');
  expect(commands.filter((text) => text.includes('nvidia-smi'))).toEqual(['sudo nvidia-smi -pm 1']);
});
