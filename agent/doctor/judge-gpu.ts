// What the facts say of GPUs, their profiling and their fabric.
import {
  driverLog,
  installDcgm,
  installDriver,
  installFabricManager,
  installLibrary,
  joinGroup,
  replaceNouveau,
  startUnit,
} from './commands.ts';
import type { NodeFacts } from './facts.ts';
import { fix, type Finding } from './finding.ts';

/** Of these, GPM counts what only profiling counts, without DCGM. */
const withGpm: ReadonlySet<string> = new Set(['Hopper', 'Blackwell']);

export function judgeGpus(facts: NodeFacts): readonly Finding[] {
  const { gpu } = facts;
  if (!hasGpus(facts)) return [{ area: 'gpu', mark: 'none', what: 'no NVIDIA GPU on the PCI bus' }];
  if (gpu.reader.isStuck) return [stuck];
  const reading = gpu.reader.up === true ? [judgeCount(facts), ...judgeBackend(facts)] : [judgeSilence(facts)];
  return [...reading, ...judgePersistence(facts), ...judgeMig(facts)];
}

export function hasGpus({ gpu }: NodeFacts): boolean {
  const { up, seen, isStuck } = gpu.reader;
  return gpu.onBus > 0 || up !== undefined || isStuck || (seen ?? 0) > 0;
}

const stuck: Finding = {
  area: 'gpu',
  mark: 'missing',
  what: 'the GPU driver hangs',
  why: 'the process that asked it cannot even be killed; no GPU can be read until the node has been restarted',
  ...fix('sudo systemctl reboot'),
};

function judgeCount({ gpu }: NodeFacts): Finding {
  const { answering, lost: silent } = gpu;
  const expected = Math.max(gpu.reader.expected ?? 0, gpu.onBus, gpu.reader.seen ?? 0, answering + silent.length);
  const driver = gpu.driver.version === undefined ? '' : `, driver ${gpu.driver.version}`;
  const what = `${answering} of ${count(expected, 'GPU')} answer${answering === 1 ? 's' : ''}`;
  const named = gpu.names.length === 0 ? '' : ` (${gpu.names.join(', ')}${driver})`;
  if (answering >= expected) return { area: 'gpu', mark: 'ok', what: `${what}${named}` };
  const lost = silent.length === 0 ? '' : ` GPU ${silent.join(', ')} is lost;`;
  const why = `${lost} a GPU that fell off the bus comes back with a restart of the node, if at all: drain it first`;
  return { area: 'gpu', mark: 'missing', what: `${what}${named}`, why: why.trim(), ...fix('sudo systemctl reboot') };
}

/** Nothing delivers: the first link of the chain that is broken. */
function judgeSilence(facts: NodeFacts): Finding {
  const { system, gpu } = facts;
  const what = `${count(Math.max(gpu.onBus, gpu.reader.expected ?? 0), 'GPU')} on the PCI bus, none can be read`;
  const missing = { area: 'gpu', mark: 'missing', what } as const;
  const { driver } = gpu;
  if (driver.version === undefined) return { ...missing, ...whyNoDriver(facts) };
  const device = whyNoDevice(facts);
  if (device) return { ...missing, ...device };
  if (isMismatch(facts)) return { ...missing, ...mismatch(facts) };
  if (gpu.library.path === undefined && !gpu.tools.nvidiaSmi && gpu.tools.dcgmExporter === undefined)
    return {
      ...missing,
      why: `driver ${driver.version} is loaded, but there is neither libnvidia-ml.so.1 nor nvidia-smi`,
      ...installLibrary(system.family, driver.version),
    };
  const said = gpu.library.problem === '' ? '' : `: ${gpu.library.problem}`;
  return { ...missing, why: `the driver gives no answer (${gpu.reader.missing ?? 'timed_out'})${said}`, ...driverLog };
}

type Cause = Pick<Finding, 'why' | 'command'>;

function whyNoDriver({ system, gpu: { driver } }: NodeFacts): Cause {
  if (driver.nouveau)
    return {
      why: 'the driver nouveau holds the GPUs, and the one of NVIDIA is not loaded',
      ...replaceNouveau(system.family),
    };
  if (driver.isInstalled) return { why: 'the driver is installed and not loaded', ...fix('sudo modprobe nvidia') };
  return { why: 'no NVIDIA driver is installed for this kernel', ...installDriver(system.family) };
}

function whyNoDevice({ system, gpu: { driver } }: NodeFacts): Cause | undefined {
  switch (driver.device) {
    case 'usable':
      return undefined;
    case 'not_present':
      return { why: 'the driver is loaded, but /dev/nvidiactl is not there', ...fix('sudo nvidia-modprobe -c 0 -u') };
    case 'forbidden':
      return {
        why: `${system.user} may not open /dev/nvidiactl`,
        ...(driver.deviceGroup === '' ? {} : joinGroup(driver.deviceGroup, system.account)),
      };
  }
}

/** After an update of the packages the module of before is still loaded. */
function isMismatch({ gpu: { driver, library } }: NodeFacts): boolean {
  return library.version !== '' && driver.version !== undefined && library.version !== driver.version;
}

function mismatch({ gpu: { driver, library } }: NodeFacts): Cause {
  return {
    why: `the library is of driver ${library.version}, the loaded module of ${driver.version ?? ''}: the packages were updated since`,
    ...fix('sudo systemctl reboot'),
  };
}

const backendNames: Readonly<Record<string, string>> = {
  nvml: 'NVML',
  nvidia_smi: 'nvidia-smi',
  dcgm_exporter: 'dcgm-exporter',
};

function judgeBackend(facts: NodeFacts): readonly Finding[] {
  const { backend } = facts.gpu.reader;
  if (backend === '') return [];
  const name = backendNames[backend] ?? backend;
  if (backend === 'nvml') return [{ area: 'gpu', mark: 'ok', what: `read through ${name}` }];
  return [{ area: 'gpu', mark: 'warning', what: `read through ${name}, not NVML`, ...whyNotNvml(facts) }];
}

function whyNotNvml(facts: NodeFacts): Cause {
  const { system, gpu } = facts;
  const { library, driver } = gpu;
  const device = driver.version === undefined ? undefined : whyNoDevice(facts);
  if (library.path === undefined) {
    const why = `libnvidia-ml.so.1 is not where drivers put it${system.isHost ? '' : ', or was not named with --nvml'}`;
    return { why, ...(system.isHost ? installLibrary(system.family, driver.version) : {}) };
  }
  if (!library.isAsked) return { why: 'another way was named on the command line or in the configuration' };
  if (driver.version === undefined && system.isHost) return whyNoDriver(facts);
  if (device) return device;
  if (isMismatch(facts)) return mismatch(facts);
  if (system.usesMusl) return { why: 'this system is built on musl, and NVIDIA’s library needs glibc' };
  if (library.problem !== '') return { why: `${library.path} cannot be used: ${library.problem}` };
  return { why: `${library.path} is there; the reader says nothing of why it is not used`, ...driverLog };
}

function judgePersistence({ gpu }: NodeFacts): readonly Finding[] {
  const off = gpu.withoutPersistence;
  if (off.length === 0) return [];
  return [
    {
      area: 'gpu',
      mark: 'warning',
      what: `persistence mode is off on GPU ${off.join(', ')}`,
      why: 'without a client the driver unloads the GPU: the first start of each job is slow, and counters begin anew',
      ...(gpu.tools.persistencedInstalled ? startUnit('nvidia-persistenced') : fix('sudo nvidia-smi -pm 1')),
    },
  ];
}

function judgeMig({ gpu, metrics }: NodeFacts): readonly Finding[] {
  if (gpu.mig.length === 0 || metrics.has('gpu_graphics_engine_active_ratio')) return [];
  return [
    {
      area: 'gpu',
      mark: 'warning',
      what: `GPU ${gpu.mig.join(', ')} is divided by MIG, and its utilisation is not known`,
      why: 'NVML gives no utilisation under MIG; profiling counters do',
    },
  ];
}

export function judgeProfiling(facts: NodeFacts): readonly Finding[] {
  const { gpu } = facts;
  if (!hasGpus(facts) || gpu.reader.up !== true) return [];
  const { profiling } = gpu.reader;
  if (profiling === '' || profiling === 'none') return [withoutProfiling(facts)];
  if (gpu.suspect.length === 0)
    return [
      { area: 'profiling', mark: 'ok', what: `SM and tensor activity by ${profilingNames[profiling] ?? profiling}` },
    ];
  return [
    {
      area: 'profiling',
      mark: 'warning',
      what: `profiling counters of GPU ${gpu.suspect.join(', ')} stand at 0 while it works`,
      why: 'DCGM lost its watch, or another profiler holds the counters',
      ...fix('sudo systemctl restart nvidia-dcgm'),
    },
  ];
}

const profilingNames: Readonly<Record<string, string>> = {
  gpm: 'GPM',
  dcgm_exporter: 'dcgm-exporter',
  dcgmi: 'dcgmi',
};

function withoutProfiling({ system, gpu }: NodeFacts): Finding {
  const finding = {
    area: 'profiling',
    mark: 'warning',
    what: 'no profiling counters: utilisation alone says how busy a GPU is',
  } as const;
  const hasGpm = gpu.architectures.length > 0 && gpu.architectures.every((name) => withGpm.has(name));
  if (hasGpm && gpu.reader.backend !== 'nvml')
    return { ...finding, why: 'these GPUs count by themselves (GPM), but only NVML gives it: see above' };
  if (gpu.tools.dcgmExporter !== undefined)
    return {
      ...finding,
      why: `${gpu.tools.dcgmExporter} gives no DCGM_FI_PROF_ fields`,
      ...listFields(gpu.tools.dcgmExporter),
    };
  if (!gpu.tools.dcgmi) return { ...finding, why: 'DCGM is not installed', ...installDcgm(system.family) };
  if (!gpu.tools.hostEngineRuns)
    return { ...finding, why: 'dcgmi is there, but no host engine runs', ...startUnit('nvidia-dcgm') };
  return {
    ...finding,
    why: 'DCGM runs and gives none: GeForce and workstation GPUs have none, others need its profiling module',
    command: { kind: 'look', text: 'dcgmi profile --list' },
  };
}

const listFields = (url: string): Pick<Finding, 'command'> => ({
  command: { kind: 'look', text: `curl -s ${url} | grep -c ^DCGM_FI_PROF_` },
});

export function judgeFabric({ system, gpu }: NodeFacts): readonly Finding[] {
  if (gpu.switches === 0) return [];
  const switches = count(gpu.switches, 'NVSwitch', 'NVSwitches');
  switch (gpu.reader.fabricManager) {
    case true:
      return [{ area: 'fabric', mark: 'ok', what: `${switches}, the fabric manager runs` }];
    case undefined:
      return [
        {
          area: 'fabric',
          mark: 'warning',
          what: `${switches}, whether the fabric manager runs cannot be seen`,
          why: 'processes of other users are hidden here',
          command: { kind: 'look', text: 'systemctl status nvidia-fabricmanager' },
        },
      ];
    case false:
      return [
        {
          area: 'fabric',
          mark: 'missing',
          what: `${switches}, but no fabric manager runs`,
          why: 'without it CUDA does not start on GPUs behind NVSwitches',
          ...(gpu.tools.fabricManagerInstalled
            ? startUnit('nvidia-fabricmanager')
            : installFabricManager(system.family, gpu.driver.version)),
        },
      ];
  }
}

function count(number: number, one: string, many = `${one}s`): string {
  return `${number} ${number === 1 ? one : many}`;
}
