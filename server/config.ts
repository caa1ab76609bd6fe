// Settings of the server: file < environment < flag, and the rule about addresses that others can reach.
import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import {
  durationMs,
  flagSwitch,
  listenAddress,
  positiveInteger,
  resolveSettings,
  UsageError,
  wordList,
  type Settings,
  type ValuesOf,
} from '#agent/contract';
import * as v from 'valibot';
import { parse, YAMLParseError } from 'yaml';
import { checkBind } from './access/bind.ts';
import { takeRemoteWrite, type RemoteWriteTarget } from './remote-write/config.ts';
import { takeSwitches, type SwitchConfig } from './switches/config.ts';
import { tlsFilesOf } from './tls.ts';

const text = v.pipe(v.string(), v.minLength(1));
const price = v.pipe(v.union([v.string(), v.number()]), v.transform(Number), v.number(), v.minValue(0));
const share = v.pipe(v.union([v.string(), v.number()]), v.transform(Number), v.number(), v.minValue(0), v.maxValue(1));

/** `20GB`, `512MiB` or bytes as a number. */
const byteCount = v.pipe(
  v.union([v.string(), v.number()]),
  v.rawTransform<string | number, number>(({ dataset, addIssue, NEVER }) => {
    const [, amount, prefix = '', binary] = /^(\d+(?:\.\d+)?)\s*(?:([kMGT]?)(i?)B)?$/.exec(String(dataset.value)) ?? [];
    if (amount === undefined) {
      addIssue({ message: 'expected an amount of bytes such as 20GB or 512MiB' });
      return NEVER;
    }
    const exponent = ['', 'k', 'M', 'G', 'T'].indexOf(prefix);
    return Math.round(Number(amount) * (binary === 'i' ? 1024 : 1000) ** exponent);
  }),
);

export const serverSettings = {
  'server.listen': {
    schema: listenAddress,
    default: { host: '127.0.0.1', port: 8420 },
    defaultText: '127.0.0.1:8420',
    flag: 'listen',
    argument: 'HOST:PORT',
    help: 'where to serve the page, the API and agents',
  },
  'server.data': {
    schema: text,
    default: undefined,
    defaultText: '$STATE_DIRECTORY, else ~/.local/state/whyidle',
    flag: 'data',
    argument: 'DIR',
    help: 'where state is kept',
  },
  'server.cluster': {
    schema: text,
    default: 'cluster',
    defaultText: 'cluster',
    flag: 'cluster',
    argument: 'NAME',
    help: 'what the cluster is called on the page',
  },
  'server.with_agent': {
    schema: flagSwitch,
    default: false,
    flag: 'with-agent',
    help: 'also run an agent for this machine',
  },
  'server.tls_cert_file': {
    schema: text,
    default: undefined,
    flag: 'tls-cert-file',
    argument: 'FILE',
    help: 'certificate and chain in PEM: then the server speaks HTTPS alone',
  },
  'server.tls_key_file': {
    schema: text,
    default: undefined,
    flag: 'tls-key-file',
    argument: 'FILE',
    help: 'private key of the certificate in PEM',
  },
  'server.handshakes_per_second': {
    schema: positiveInteger,
    default: 150,
    help: 'so many agents and browsers may connect each second; the others wait or come again',
  },
  'access.mode': {
    schema: v.picklist(['none', 'local', 'oidc', 'proxy']),
    default: undefined,
    help: 'who may look: must be written out unless the server listens on loopback',
  },
  'access.hosts': {
    schema: wordList,
    default: [],
    help: 'further names this server is reached by',
  },
  'journal.keep': { schema: durationMs, default: 21_600_000, help: 'readings as received are kept for so long' },
  'journal.cap': {
    schema: byteCount,
    default: 20e9,
    help: 'readings as received may take so much disk, for example 20GB; the oldest go first',
  },
  'history.keep': { schema: durationMs, default: 30 * 86_400_000, help: 'minutes are kept for so long' },
  'history.keep_hours': { schema: durationMs, default: 400 * 86_400_000, help: 'hours are kept for so long' },
  'history.cap': {
    schema: byteCount,
    default: 20e9,
    help: 'the history may take so much disk; the oldest days go first',
  },
  'jobs.scontrol': {
    schema: text,
    default: 'auto',
    help: 'Slurm is asked by this scontrol: auto = the one on the path, off = none, a program or its folder',
  },
  'jobs.slurm_conf': { schema: text, default: undefined, help: 'slurm.conf that scontrol reads' },
  'jobs.slurm_url': {
    schema: v.pipe(
      v.string(),
      v.check(
        (url) => /^unix:\/./.test(url) || (/^https?:\/\//i.test(url) && URL.canParse(url)),
        'expected http://HOST:PORT or unix:/PATH',
      ),
    ),
    default: undefined,
    help: 'Slurm is asked by this slurmrestd instead: http://HOST:6820 or unix:/PATH',
  },
  'jobs.slurm_token_file': {
    schema: text,
    default: undefined,
    help: 'file with the token that slurmrestd wants, as scontrol token gives it',
  },
  'jobs.slurm_user': { schema: text, default: undefined, help: 'user of the token' },
  'jobs.interval': {
    schema: v.pipe(durationMs, v.minValue(5000, 'the shortest is 5s'), v.maxValue(60_000, 'the longest is 1m')),
    default: 15_000,
    help: 'how often Slurm is asked who has what',
  },
  'jobs.keep': { schema: durationMs, default: 400 * 86_400_000, help: 'jobs that ended are remembered for so long' },
  'ledger.keep': { schema: durationMs, default: 400 * 86_400_000, help: 'hours of the ledger are kept for so long' },
  'ledger.price': {
    schema: price,
    default: undefined,
    help: 'list price of a GPU-hour; then the ledger says what time costs',
  },
  'ledger.currency': { schema: text, default: 'EUR', help: 'of the price' },
  'alerts.held_idle_after': { schema: durationMs, default: 600_000, help: 'a GPU may be held idle for so long' },
  'alerts.underused_after': { schema: durationMs, default: 600_000, help: 'a GPU may be underused for so long' },
  'alerts.underused_below': { schema: share, default: 0.2, help: 'utilisation below which a held GPU is underused' },
  'alerts.node_down_after': { schema: durationMs, default: 30_000, help: 'a node may be silent for so long' },
} as const satisfies Settings;

export type ServerConfig = ValuesOf<typeof serverSettings> & {
  /** The section `switches`, which is a list. */
  readonly switches?: readonly SwitchConfig[];
  /** The section `remote_write`, which is a list. */
  readonly remoteWrite?: readonly RemoteWriteTarget[];
};
export type Environment = Readonly<Record<string, string | undefined>>;

/** Reads the configuration file, if one is named, and resolves all settings. Throws UsageError. */
export function resolveConfig(
  sources: { readonly file: string | undefined; readonly env: Environment; readonly args: readonly string[] },
  changedDefaults: Partial<ServerConfig> = {},
): { readonly config: ServerConfig; readonly positionals: readonly string[] } {
  const { file, env, args } = sources;
  const content = file === undefined ? undefined : readConfigFile(file);
  const { targets, rest: settled } = takeRemoteWrite(content, file ?? '');
  const { switches, rest } = takeSwitches(settled, file ?? '');
  const fromFile = file === undefined ? {} : { file: rest, fileName: file };
  const settings = withDefaults(changedDefaults);
  const { values, positionals } = resolveSettings(settings, { ...fromFile, env, args });
  checkBind(values);
  tlsFilesOf(values);
  const lists = {
    ...(switches.length === 0 ? {} : { switches }),
    ...(targets.length === 0 ? {} : { remoteWrite: targets }),
  };
  return { config: { ...values, ...lists }, positionals };
}

/** Where state is kept unless it is said. */
export function stateFolder(config: ServerConfig, env: Environment): string {
  return (
    config['server.data'] ??
    env['STATE_DIRECTORY'] ??
    join(env['XDG_STATE_HOME'] ?? join(homedir(), '.local/state'), 'whyidle')
  );
}

function withDefaults(changed: Partial<ServerConfig>): typeof serverSettings {
  const entries = Object.entries(serverSettings).map(([name, setting]) => [
    name,
    name in changed ? { ...setting, default: changed[name as keyof ServerConfig] } : setting,
  ]);
  return Object.fromEntries(entries) as typeof serverSettings; // the same settings, each default of its own type
}

function readConfigFile(file: string): unknown {
  try {
    return parse(readFileSync(file, 'utf8'));
  } catch (error) {
    const problem = error instanceof YAMLParseError ? 'is not valid YAML' : 'cannot be read';
    throw new UsageError(`${file} ${problem}: ${error instanceof Error ? error.message : String(error)}`);
  }
}
