// Settings of the agent and of `sample`: file < environment < flag. DESIGN section 3.
import { accessSync, constants, existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { delimiter, join, resolve } from 'node:path';
import {
  durationMs,
  flagSwitch,
  listenAddress,
  nodeNameSchema,
  positiveInteger,
  renderFlags,
  resolveSettings,
  UsageError,
  wordList,
  type Settings,
  type ValuesOf,
} from '#agent/contract';
import * as v from 'valibot';
import { parse, YAMLParseError } from 'yaml';
import { CannotStart } from './cannot-start.ts';
import type { GpuSources } from './collectors/collector.ts';
import { infinibandConfig, infinibandSettingsOf } from './collectors/infiniband/config.ts';
import type { InfinibandSettings } from './collectors/infiniband/settings.ts';
import { fabricSettings } from './fabric/settings.ts';
import { findNvmlLibrary } from './find-nvml.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

const DEFAULT_FILE = '/etc/whyidle/agent.yaml';

const text = v.pipe(v.string(), v.minLength(1, 'it is empty'));
const interval = v.pipe(
  durationMs,
  v.minValue(100, 'the shortest interval is 100ms'),
  v.maxValue(600_000, 'the longest interval is 10m'),
);
const serverUrls = v.pipe(
  wordList,
  v.minLength(1, 'it is empty'),
  v.check(
    (urls) => urls.every((url) => /^https?:\/\//i.test(url) && URL.canParse(url)),
    'expected the address of a server, for example http://127.0.0.1:8420, or several separated by commas',
  ),
  v.transform((urls) => urls.join(',')),
);
const byteSize = v.pipe(
  v.union([v.string(), v.number()]),
  v.transform(String),
  v.regex(/^\d+(\.\d+)?(k|M|G)?B?$/, 'expected a size such as 256MB'),
  v.transform((text) => {
    const unit = { k: 1e3, M: 1e6, G: 1e9 }[/[kMG]/.exec(text)?.[0] ?? ''] ?? 1;
    return Math.round(Number.parseFloat(text) * unit);
  }),
  v.minValue(100_000, 'the smallest size is 100kB'),
);
const compatPages = v.pipe(
  wordList,
  v.check(
    (names) => names.every((name) => name === 'node_exporter' || name === 'dcgm-exporter'),
    'there is node_exporter and dcgm-exporter',
  ),
);

const pageUrl = v.pipe(
  v.string(),
  v.check(
    (url) => /^https?:\/\//i.test(url) && URL.canParse(url),
    'expected the address of a page, for example http://127.0.0.1:9400/metrics',
  ),
);

const readSettings = {
  'agent.root': {
    schema: text,
    default: '/',
    defaultText: '/',
    flag: 'root',
    argument: 'DIR',
    help: 'read /proc, /sys and /etc below DIR and nothing else of this machine',
  },
  'agent.nvidia_smi': {
    schema: text,
    default: undefined,
    defaultText: 'nvidia-smi on the PATH, none below --root',
    flag: 'nvidia-smi',
    argument: 'FILE',
    help: 'the nvidia-smi to read GPUs with',
  },
  'agent.nvml': {
    schema: text,
    default: undefined,
    defaultText: 'libnvidia-ml.so.1 of the driver, none below --root',
    flag: 'nvml',
    argument: 'FILE',
    help: 'the library to read GPUs with',
  },
  'agent.dcgm_exporter': {
    schema: pageUrl,
    default: undefined,
    flag: 'dcgm-exporter',
    argument: 'URL',
    help: 'the page of a dcgm-exporter: profiling metrics, and all others where nothing else can be read',
  },
  'agent.dcgmi': {
    schema: text,
    default: undefined,
    defaultText: 'dcgmi on the PATH, none below --root',
    flag: 'dcgmi',
    argument: 'FILE',
    help: 'the dcgmi to read profiling metrics with, where a host engine runs',
  },
  'agent.gpu_processes': {
    schema: flagSwitch,
    default: false,
    flag: 'gpu-processes',
    help: 'also show each process of a GPU',
  },
  'agent.interval': {
    schema: interval,
    default: 1000,
    defaultText: '1s',
    flag: 'interval',
    argument: 'TIME',
    help: 'time from one reading to the next',
  },
  'agent.compat': {
    schema: compatPages,
    default: [],
    flag: 'compat',
    argument: 'node_exporter,dcgm-exporter',
    help: "also print under another exporter's names",
  },
  ...infinibandConfig,
} as const satisfies Settings;

export const agentSettings = {
  'agent.server': {
    schema: serverUrls,
    default: undefined,
    flag: 'server',
    argument: 'URL[,URL…]',
    help: 'the server to send readings to; of several the next one if one cannot be reached',
  },
  'agent.server_order': {
    schema: v.picklist(['shared', 'listed'], 'expected shared or listed'),
    default: 'shared',
    help: 'shared: nodes spread over the servers; listed: each node begins with the first',
  },
  'agent.failback': {
    schema: durationMs,
    default: 600_000,
    defaultText: '10m',
    help: 'how often a node that is with another server looks for its first one; 0 = never',
  },
  'agent.pod_resources': {
    schema: text,
    default: '/var/lib/kubelet/pod-resources/kubelet.sock',
    defaultText: '/var/lib/kubelet/pod-resources/kubelet.sock, none below --root',
    help: 'socket of the kubelet that says which pod has which GPU; off = do not ask',
  },
  'agent.job_mapping': {
    schema: wordList,
    default: ['/run/gpustat'],
    defaultText: '/run/gpustat',
    help: "folders in which a prolog writes the job of each GPU: DCGM's hpc-job-mapping, jobstats' gpustat",
  },
  'agent.ca_file': {
    schema: text,
    default: undefined,
    flag: 'ca',
    argument: 'FILE',
    help: 'PEM of the authority, or the certificate itself, that servers are trusted by',
  },
  'agent.spool_cap': {
    schema: byteSize,
    default: 256_000_000,
    defaultText: '256MB',
    flag: 'spool-cap',
    argument: 'SIZE',
    help: 'readings that no server has acknowledged are kept up to this size, the oldest go first',
  },
  'agent.listen': {
    schema: listenAddress,
    default: undefined,
    flag: 'listen',
    argument: 'HOST:PORT',
    help: 'serve readings for Prometheus at /metrics',
  },
  'agent.name': {
    schema: nodeNameSchema,
    default: undefined,
    defaultText: 'the host name up to its first dot',
    flag: 'name',
    argument: 'NODE',
    help: 'what this node is called',
  },
  'agent.relay': {
    schema: text,
    default: undefined,
    flag: 'relay',
    argument: 'FILE',
    help: 'read the nodes that FILE names over SSH instead of this one',
  },
  ...readSettings,
  ...fabricSettings,
  'agent.state': {
    schema: text,
    default: undefined,
    defaultText: '$STATE_DIRECTORY, else ~/.local/state/whyidle/agent; below --root none',
    flag: 'state',
    argument: 'DIR',
    help: 'where readings wait that no server has acknowledged',
  },
} as const satisfies Settings;

export const sampleSettings = {
  'sample.format': {
    schema: v.picklist(['json', 'prom'], 'expected json or prom'),
    default: 'json',
    defaultText: 'json',
    flag: 'format',
    argument: 'json|prom',
    help: 'how to print',
  },
  'sample.count': {
    schema: positiveInteger,
    default: 1,
    defaultText: '1',
    flag: 'count',
    argument: 'N',
    help: 'readings to take and print',
  },
  ...readSettings,
} as const satisfies Settings;

export type AgentConfig = ValuesOf<typeof agentSettings> & ReadConfig & DeviceConfig;
export type SampleConfig = ValuesOf<typeof sampleSettings> & ReadConfig & DeviceConfig;
interface DeviceConfig {
  readonly infiniband: InfinibandSettings;
}
interface ReadConfig {
  readonly 'agent.root': string;
  readonly gpuSources: GpuSources;
}

/** Settings of `whyidle agent`. Throws UsageError or CannotStart. */
export function resolveAgentConfig(args: readonly string[], env: Environment): AgentConfig {
  const { file, rest } = takeConfigFlag(args);
  const fileName = file ?? env['WHYIDLE_CONFIG'] ?? (existsSync(DEFAULT_FILE) ? DEFAULT_FILE : undefined);
  const fromFile = fileName === undefined ? {} : { file: readConfigFile(fileName), fileName };
  const { values, positionals } = resolveSettings(agentSettings, { ...fromFile, env, args: rest });
  refusePositionals(positionals);
  if (values['agent.server'] === undefined && values['agent.listen'] === undefined)
    throw new UsageError('an agent needs --server URL to send to, or --listen HOST:PORT to be scraped at');
  if (values['agent.relay'] !== undefined && values['agent.server'] === undefined)
    throw new UsageError('an agent with --relay FILE needs --server URL to send to');
  if (values['agent.relay'] !== undefined && values['agent.listen'] !== undefined)
    throw new UsageError('an agent with --relay FILE has no page of its own: it takes no --listen');
  const state = values['agent.state'] ?? defaultState(values['agent.root'], env);
  return { ...values, 'agent.state': state, ...checkSources(values, env), infiniband: infinibandSettingsOf(values) };
}

/** Below a root nothing of the host is used. */
function defaultState(root: string, env: Environment): string | undefined {
  if (resolve(root) !== '/') return undefined;
  const home = env['HOME'];
  const folder = env['XDG_STATE_HOME'] ?? (home === undefined ? undefined : join(home, '.local/state'));
  return env['STATE_DIRECTORY'] ?? (folder === undefined ? undefined : join(folder, 'whyidle/agent'));
}

/** Settings of `whyidle sample`. Throws UsageError or CannotStart. */
export function resolveSampleConfig(args: readonly string[], env: Environment): SampleConfig {
  const { values, positionals } = resolveSettings(sampleSettings, { env, args });
  refusePositionals(positionals);
  return { ...values, ...checkSources(values, env), infiniband: infinibandSettingsOf(values) };
}

export function renderAgentHelp(): string {
  const config = `  --config FILE  YAML file with a section \`agent\` (default ${DEFAULT_FILE}, if it is there)`;
  return `Usage: whyidle agent [FLAGS]\n\nReads this node. Needs --server, --listen or both.\n\n${renderFlags(agentSettings)}\n\n${config}\n`;
}

export function renderSampleHelp(): string {
  return `Usage: whyidle sample [FLAGS]\n\nPrints what an agent reads here.\n\n${renderFlags(sampleSettings)}\n`;
}

function takeConfigFlag(args: readonly string[]): {
  readonly file: string | undefined;
  readonly rest: readonly string[];
} {
  const at = args.findIndex((arg) => arg === '--config' || arg.startsWith('--config='));
  if (at < 0) return { file: undefined, rest: args };
  const inline = args[at]?.split('=').slice(1).join('=');
  const file = args[at] === '--config' ? args[at + 1] : inline;
  if (file === undefined || file === '') throw new UsageError('--config needs a value: --config FILE');
  return { file, rest: args.toSpliced(at, args[at] === '--config' ? 2 : 1) };
}

function readConfigFile(file: string): unknown {
  try {
    return parse(readFileSync(file, 'utf8'));
  } catch (error) {
    const problem = error instanceof YAMLParseError ? 'is not valid YAML' : 'cannot be read';
    throw new UsageError(`${file} ${problem}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function refusePositionals([first]: readonly string[]): void {
  if (first !== undefined) throw new UsageError(`${first} is not understood: this command takes flags only`);
}

function checkSources(
  values: Omit<ValuesOf<typeof readSettings>, 'agent.interval' | 'agent.compat' | keyof typeof infinibandConfig>,
  env: Environment,
): ReadConfig {
  const root = resolve(values['agent.root']);
  checkRoot(root);
  const { 'agent.nvidia_smi': nvidiaSmi, 'agent.nvml': nvml, 'agent.dcgmi': dcgmi } = values;
  for (const [flag, file] of Object.entries({ 'nvidia-smi': nvidiaSmi, dcgmi })) {
    if (file !== undefined) checkFile(flag, file, constants.X_OK);
  }
  if (nvml !== undefined) checkFile('nvml', nvml, constants.R_OK);
  const isHost = root === '/';
  // Who names one way to ask the driver means that one.
  const mayFind = isHost && nvidiaSmi === undefined && nvml === undefined;
  const path = env['PATH'] ?? '';
  return {
    'agent.root': root,
    gpuSources: {
      nvml: named(nvml) ?? (mayFind ? findNvmlLibrary(env) : undefined),
      nvidiaSmi: named(nvidiaSmi) ?? (mayFind ? findOnPath('nvidia-smi', path) : undefined),
      dcgmExporter: values['agent.dcgm_exporter'],
      dcgmi: named(dcgmi) ?? (isHost ? findOnPath('dcgmi', path) : undefined),
      processSeries: values['agent.gpu_processes'],
    },
  };
}

function named(file: string | undefined): string | undefined {
  return file === undefined ? undefined : resolve(file);
}

function checkRoot(root: string): void {
  let isDirectory: boolean;
  try {
    isDirectory = statSync(root).isDirectory();
    if (isDirectory) readdirSync(root);
  } catch (error) {
    throw new CannotStart(`--root: ${root} ${causeOf(error)}`, { cause: error });
  }
  if (!isDirectory) throw new CannotStart(`--root: ${root} is not a directory`);
}

function checkFile(flag: string, file: string, mode: number): void {
  try {
    accessSync(file, mode);
  } catch (error) {
    throw new CannotStart(`--${flag}: ${resolve(file)} ${causeOf(error)}`, { cause: error });
  }
}

function causeOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  switch (code) {
    case 'ENOENT':
      return 'does not exist';
    case 'ENOTDIR':
      return 'is below a file';
    case 'EACCES':
    case 'EPERM':
      return 'may not be used by this user';
    default:
      return `cannot be used: ${error instanceof Error ? error.message : String(error)}`;
  }
}

function findOnPath(program: string, path: string): string | undefined {
  return path
    .split(delimiter)
    .filter((folder) => folder.startsWith('/'))
    .map((folder) => join(folder, program))
    .find((file) => {
      try {
        accessSync(file, constants.X_OK);
        return true;
      } catch {
        return false; // not in this folder
      }
    });
}

const {
  'agent.root': rootSetting,
  'agent.nvidia_smi': nvidiaSmiSetting,
  'agent.nvml': nvmlSetting,
  'agent.dcgm_exporter': dcgmExporterSetting,
  'agent.dcgmi': dcgmiSetting,
} = readSettings;

export const doctorSettings = {
  'agent.root': rootSetting,
  'agent.nvidia_smi': nvidiaSmiSetting,
  'agent.nvml': nvmlSetting,
  'agent.dcgm_exporter': dcgmExporterSetting,
  'agent.dcgmi': dcgmiSetting,
  ...infinibandConfig,
  'doctor.json': { schema: flagSwitch, default: false, flag: 'json', help: 'print JSON' },
} as const satisfies Settings;

export type DoctorConfig = ReadConfig & DeviceConfig & { readonly 'doctor.json': boolean };

/** Settings of `whyidle doctor`. Throws UsageError or CannotStart. */
export function resolveDoctorConfig(args: readonly string[], env: Environment): DoctorConfig {
  const { values, positionals } = resolveSettings(doctorSettings, { env, args });
  refusePositionals(positionals);
  return {
    'doctor.json': values['doctor.json'],
    infiniband: infinibandSettingsOf(values),
    ...checkSources({ ...values, 'agent.gpu_processes': false }, env),
  };
}

export function renderDoctorHelp(): string {
  return `Usage: whyidle doctor [FLAGS]\n\nSays what can be read on this node, what is in the way, and what clears it. Changes nothing.\n\n${renderFlags(doctorSettings)}\n`;
}
