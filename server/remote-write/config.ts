// The section `remote_write` of the configuration: a list of receivers. Secrets come from files alone.
import { readFileSync } from 'node:fs';
import { UsageError } from '#agent/contract';
import * as v from 'valibot';

const text = v.pipe(v.string(), v.minLength(1, 'it is empty'));
const labelName = v.pipe(v.string(), v.regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'it is no label name'));

const targetSchema = v.strictObject({
  name: v.optional(
    v.pipe(v.string(), v.regex(/^[a-z0-9][a-z0-9_-]{0,63}$/, 'expected a short word of a-z, 0-9, - and _')),
  ),
  url: v.pipe(v.string(), v.url('it is no URL'), v.regex(/^https?:/, 'expected http:// or https://')),
  mode: v.optional(v.picklist(['rollup', 'raw'], 'expected rollup or raw'), 'rollup'),
  labels: v.optional(v.record(labelName, v.string()), {}),
  username: v.optional(text),
  password_file: v.optional(text),
  bearer_token_file: v.optional(text),
  cap_bytes: v.optional(v.pipe(v.number(), v.minValue(1_000_000)), 1_000_000_000),
});

export interface RemoteWriteTarget {
  /** Folder of its queue. */
  readonly name: string;
  readonly url: string;
  readonly mode: 'rollup' | 'raw';
  readonly labels: Readonly<Record<string, string>>;
  readonly headers: Readonly<Record<string, string>>;
  readonly capBytes: number;
}

/** Takes the section out of the file's content. Throws UsageError. */
export function takeRemoteWrite(
  file: unknown,
  fileName: string,
): { readonly targets: readonly RemoteWriteTarget[]; readonly rest: unknown } {
  if (typeof file !== 'object' || file === null || !('remote_write' in file)) return { targets: [], rest: file };
  const { remote_write: section, ...rest } = file;
  const parsed = v.safeParse(v.array(targetSchema), section);
  if (!parsed.success) {
    const [issue] = parsed.issues;
    throw new UsageError(`${fileName}: remote_write.${v.getDotPath(issue) ?? ''}: ${issue.message}`);
  }
  const targets = parsed.output.map((one, at): RemoteWriteTarget => ({
    name: one.name ?? `${at}-${new URL(one.url).hostname.replaceAll(/[^a-z0-9-]/g, '-')}`,
    ...{ url: one.url, mode: one.mode, labels: one.labels, capBytes: one.cap_bytes },
    headers: headersOf(one, fileName),
  }));
  const names = new Set(targets.map(({ name }) => name));
  if (names.size < targets.length) throw new UsageError(`${fileName}: two receivers of remote_write have one name`);
  return { targets, rest };
}

function headersOf(
  { username, password_file: password, bearer_token_file: token }: v.InferOutput<typeof targetSchema>,
  fileName: string,
): Readonly<Record<string, string>> {
  if (username !== undefined && token !== undefined)
    throw new UsageError(`${fileName}: a receiver of remote_write has either a username or a bearer token`);
  if (token !== undefined) return { Authorization: `Bearer ${secret(token, fileName)}` };
  if (username === undefined) return {};
  if (password === undefined)
    throw new UsageError(`${fileName}: remote_write.username needs remote_write.password_file`);
  return { Authorization: `Basic ${Buffer.from(`${username}:${secret(password, fileName)}`).toString('base64')}` };
}

function secret(file: string, fileName: string): string {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch {
    throw new UsageError(`${fileName}: ${file} cannot be read`);
  }
}
