// The section `switches` of the server's file: which switches are asked over SSH, as whom, and how they prove who they are.
import { suggest, UsageError } from '#agent/contract';
import { parseHostKey, type HostKeyPin, type SshTarget } from '#agent/ssh';
import * as v from 'valibot';

const MOST_SWITCHES = 1000;

const text = v.pipe(v.string(), v.minLength(1, 'it is empty'), v.maxLength(128));
const hostName = v.pipe(v.string(), v.regex(/^[A-Za-z0-9][A-Za-z0-9._:%-]*$/, 'expected a host name or an address'));
const absolute = v.pipe(v.string(), v.regex(/^\/[^\n\0]*$/, 'expected an absolute path'));
const hostKey = v.pipe(
  v.string(),
  v.rawTransform<string, HostKeyPin>(({ dataset, addIssue, NEVER }) => {
    const pin = parseHostKey(dataset.value);
    if (pin) return pin;
    addIssue({ message: 'expected SHA256:… as ssh-keygen -lf prints it, or a public key such as ssh-ed25519 AAAA…' });
    return NEVER;
  }),
);

const switchSchema = v.object({
  name: text,
  host: hostName,
  port: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(65_535)), 22),
  user: text,
  key_file: v.optional(absolute),
  password_file: v.optional(absolute),
  host_key: hostKey,
  guid: v.optional(v.pipe(v.string(), v.regex(/^(0x)?[0-9a-fA-F]{16}$/, 'expected a GUID such as 0x248a0703009c0196'))),
});
const listSchema = v.pipe(v.array(switchSchema), v.maxLength(MOST_SWITCHES));
const known = Object.keys(switchSchema.entries);

export interface SwitchConfig {
  readonly name: string;
  /** As the fabric's devices have it: `0x` and 16 digits. */
  readonly guid: string | undefined;
  readonly target: SshTarget;
}

/** The switches of a whole configuration file, and the file without them. Throws UsageError. */
export function takeSwitches(
  content: unknown,
  fileName: string,
): { readonly switches: readonly SwitchConfig[]; readonly rest: unknown } {
  if (typeof content !== 'object' || content === null || !('switches' in content))
    return { switches: [], rest: content };
  const { switches, ...rest } = content;
  return { switches: resolveSwitches(switches, `${fileName}: switches`), rest };
}

function resolveSwitches(list: unknown, where: string): readonly SwitchConfig[] {
  refuseUnknownKeys(list, where);
  const checked = v.safeParse(listSchema, list);
  if (!checked.success) {
    const [issue] = checked.issues;
    throw new UsageError(`${where}: ${v.getDotPath(issue) ?? 'the list'}: ${issue.message}`);
  }
  const names = new Set<string>();
  return checked.output.map(({ name, guid, key_file: keyFile, password_file: passwordFile, ...rest }) => {
    if (names.has(name)) throw new UsageError(`${where}: ${name} is there twice`);
    names.add(name);
    if ((keyFile === undefined) === (passwordFile === undefined))
      throw new UsageError(`${where}: ${name} needs key_file or password_file, one of the two`);
    const { host, port, user, host_key: key } = rest;
    return {
      name,
      guid: guid === undefined ? undefined : `0x${guid.replace(/^0x/, '').toLowerCase()}`,
      target: { host, port, user, keyFile, passwordFile, hostKey: key },
    };
  });
}

/** The entries of an unknown list are unknown: their type says no more. */
function refuseUnknownKeys(list: unknown, where: string): void {
  if (!Array.isArray(list)) return;
  for (const [index, one] of list.entries() as Iterable<[number, unknown]>) {
    if (typeof one !== 'object' || one === null) continue;
    for (const key of Object.keys(one)) {
      if (!known.includes(key)) throw new UsageError(`${where}[${index}]: unknown key ${key}${suggest(key, known)}`);
    }
  }
}
