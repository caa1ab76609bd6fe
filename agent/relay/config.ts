// The file of `whyidle agent --relay FILE`: which nodes are read over SSH, as whom, and how they prove who they are.
import { readFileSync } from 'node:fs';
import { durationMs, nodeNameSchema, suggest, UsageError } from '#agent/contract';
import * as v from 'valibot';
import { parse, YAMLParseError } from 'yaml';
import { parseHostKey, type HostKeyPin } from '../ssh/host-key.ts';
import type { SshTarget } from '../ssh/connection.ts';

const DEFAULT_INTERVAL_MS = 5000;
const LEAST_INTERVAL_MS = 1000;
const MOST_NODES = 1000;

const text = v.pipe(v.string(), v.minLength(1, 'it is empty'), v.maxLength(1024));
/** Neither a dash in front nor blanks: it stands in messages and goes to the resolver. */
const hostName = v.pipe(v.string(), v.regex(/^[A-Za-z0-9][A-Za-z0-9._:%-]*$/, 'expected a host name or an address'));
const port = v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(65_535));
const absolute = v.pipe(text, v.regex(/^\/[^\n\0]*$/, 'expected an absolute path'));
const hostKey = v.pipe(
  v.string(),
  v.rawTransform<string, HostKeyPin>(({ dataset, addIssue, NEVER }) => {
    const pin = parseHostKey(dataset.value);
    if (pin) return pin;
    addIssue({ message: 'expected SHA256:… as ssh-keygen -lf prints it, or a public key such as ssh-ed25519 AAAA…' });
    return NEVER;
  }),
);

const connection = {
  port: v.optional(port),
  user: v.optional(text),
  key_file: v.optional(absolute),
} as const;
const jumpSchema = v.object({ ...connection, host: hostName, host_key: hostKey });
const defaultsSchema = v.object({ ...connection, jump: v.optional(jumpSchema), nvidia_smi: v.optional(absolute) });
const nodeSchema = v.object({
  ...defaultsSchema.entries,
  name: nodeNameSchema,
  host: hostName,
  host_key: hostKey,
  root: v.optional(absolute),
});
const fileSchema = v.object({
  interval: v.optional(v.pipe(durationMs, v.minValue(LEAST_INTERVAL_MS, 'the shortest interval is 1s'))),
  defaults: v.optional(defaultsSchema, {}),
  nodes: v.pipe(v.array(nodeSchema), v.minLength(1, 'there is no node'), v.maxLength(MOST_NODES)),
});

export interface RelayedNode {
  readonly name: string;
  readonly target: SshTarget;
  /** Everything is read below this directory of the node. */
  readonly root: string | undefined;
  /** The program there; undefined where none is to be asked. */
  readonly nvidiaSmi: string | undefined;
}

export interface RelayConfig {
  readonly intervalMs: number;
  readonly nodes: readonly RelayedNode[];
}

/** Throws UsageError. */
export function readRelayConfig(file: string): RelayConfig {
  let content: unknown;
  try {
    content = parse(readFileSync(file, 'utf8'));
  } catch (error) {
    const problem = error instanceof YAMLParseError ? 'is not valid YAML' : 'cannot be read';
    throw new UsageError(`${file} ${problem}: ${error instanceof Error ? error.message : String(error)}`);
  }
  return resolveRelayConfig(content, file);
}

/** Throws UsageError. */
export function resolveRelayConfig(content: unknown, file: string): RelayConfig {
  refuseUnknownKeys(content, file);
  const checked = v.safeParse(fileSchema, content);
  if (!checked.success) {
    const [issue] = checked.issues;
    throw new UsageError(`${file}: ${v.getDotPath(issue) ?? 'the file'}: ${issue.message}`);
  }
  const { interval, defaults, nodes } = checked.output;
  const names = new Set<string>();
  for (const { name } of nodes) {
    if (names.has(name)) throw new UsageError(`${file}: node ${name} is there twice`);
    names.add(name);
  }
  return {
    intervalMs: interval ?? DEFAULT_INTERVAL_MS,
    nodes: nodes.map((node) => nodeOf(node, defaults, file)),
  };
}

function nodeOf(
  node: v.InferOutput<typeof nodeSchema>,
  defaults: v.InferOutput<typeof defaultsSchema>,
  file: string,
): RelayedNode {
  const { name, root } = node;
  const jump = node.jump ?? defaults.jump;
  const own = targetOf({ ...defaults, ...node }, `${file}: node ${name}`);
  return {
    name,
    root,
    target: {
      ...own,
      jump: jump && targetOf({ user: own.user, key_file: own.keyFile, ...jump }, `${file}: node ${name}: jump`),
    },
    nvidiaSmi: node.nvidia_smi ?? defaults.nvidia_smi ?? (root === undefined ? 'nvidia-smi' : undefined),
  };
}

interface Entry {
  readonly host: string;
  readonly port?: number | undefined;
  readonly user?: string | undefined;
  readonly key_file?: string | undefined;
  readonly host_key: HostKeyPin;
}

function targetOf(
  { host, port: number = 22, user, key_file: keyFile, host_key: key }: Entry,
  where: string,
): SshTarget {
  if (user === undefined) throw new UsageError(`${where}: user is missing`);
  if (keyFile === undefined) throw new UsageError(`${where}: key_file is missing`);
  return { host, port: number, user, keyFile, hostKey: key };
}

const known: ReadonlyMap<string, readonly string[]> = new Map([
  ['', Object.keys(fileSchema.entries)],
  ['defaults', Object.keys(defaultsSchema.entries)],
  ['nodes', Object.keys(nodeSchema.entries)],
  ['jump', Object.keys(jumpSchema.entries)],
]);

/** A key that is misspelt must not be a setting that silently does nothing. */
function refuseUnknownKeys(value: unknown, where: string, section = ''): void {
  if (Array.isArray(value)) {
    for (const [index, one] of value.entries()) refuseUnknownKeys(one, `${where}[${index}]`, section);
    return;
  }
  if (typeof value !== 'object' || value === null) return;
  const keys = known.get(section) ?? [];
  for (const [key, content] of Object.entries(value)) {
    if (!keys.includes(key)) throw new UsageError(`${where}: unknown key ${key}${suggest(key, keys)}`);
    if (known.has(key)) refuseUnknownKeys(content, `${where}: ${key}`, key);
  }
}
