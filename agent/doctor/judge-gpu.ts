// What the facts say of GPUs and of the way they are read.
import { driverLog, installDriver, installLibrary, joinGroup, replaceNouveau, startUnit } from './commands.ts';
import type { NodeFacts } from './facts.ts';
import { fix, type Finding } from './finding.ts';

export function judgeGpus(facts: NodeFacts): readonly Finding[] {
  const { gpu } = facts;
  if (!hasGpus(facts)) return [judgeNothing(facts)];
  if (gpu.reader.isStuck) return [stuck];
  const reading = gpu.reader.up === true ? [judgeCount(facts), ...judgeBackend(facts)] : [judgeSilence(facts)];
  return [...reading, ...judgePersistence(facts), ...judgeMig(facts)];
}

export function hasGpus({ gpu }: NodeFacts): boolean {
  const { up, seen, isStuck } = gpu.reader;
  return gpu.onBus > 0 || up !== undefined || isStuck || (seen ?? 0) > 0;
}

function judgeNothing({ gpu }: NodeFacts): Finding {
  const what = 'no NVIDIA GPU on the PCI bus';
  // Somebody named a page for GPUs that are not to be seen from here.
  if (gpu.tools.dcgmExporter === undefined) return { area: 'gpu', mark: 'none', what };
  const why = 'the dcgm-exporter that was named does not answer, or has none either';
  const command = { kind: 'look', text: `curl -s ${gpu.tools.dcgmExporter} | grep -c ^DCGM_FI_` } as const;
  return { area: 'gpu', mark: 'missing', what, why, command };
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
  const expected = Math.max(gpu.onBus, gpu.reader.expected ?? 0);
  const what = expected === 0 ? 'no GPU can be read' : `${count(expected, 'GPU')} on the PCI bus, none can be read`;
  const missing = { area: 'gpu', mark: 'missing', what } as const;
  const { driver } = gpu;
  const isAsked = gpu.library.isAsked || gpu.tools.nvidiaSmi;
  // What does not answer in time is there.
  if (isAsked && gpu.reader.missing === 'timed_out') return { ...missing, ...noAnswer(facts) };
  // Where no GPU is to be seen a driver would find none.
  if (driver.version === undefined) return { ...missing, ...(expected === 0 ? noAnswer(facts) : whyNoDriver(facts)) };
  const device = whyNoDevice(facts);
  if (device) return { ...missing, ...device };
  if (isMismatch(facts)) return { ...missing, ...mismatch(facts) };
  if (gpu.library.path === undefined && !gpu.tools.nvidiaSmi && gpu.tools.dcgmExporter === undefined)
    return {
      ...missing,
      why: `driver ${driver.version} is loaded, but there is neither libnvidia-ml.so.1 nor nvidia-smi`,
      ...installLibrary(system.family, driver.version),
    };
  return { ...missing, ...noAnswer(facts) };
}

function noAnswer({ gpu: { reader, library } }: NodeFacts): Cause {
  const problem = [reader.problem, library.problem].find((text) => text !== '');
  const said = problem === undefined ? '' : `: ${problem}`;
  return { why: `the driver gives no answer (${reader.missing ?? 'timed_out'})${said}`, ...driverLog };
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
        ...joinGroup(driver.deviceGroup, system.account),
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

export function count(number: number, one: string, many = `${one}s`): string {
  return `${number} ${number === 1 ? one : many}`;
}
