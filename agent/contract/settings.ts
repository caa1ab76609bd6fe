// Settings of a program: YAML file < environment WHYIDLE_SECTION_KEY < flag. Unknown names are errors with a suggestion.
import * as v from 'valibot';

/** One setting. Its name is `section.key`; the schema takes the text of a flag or the YAML value. */
export interface Setting<S extends v.GenericSchema = v.GenericSchema> {
  readonly schema: S;
  readonly default: v.InferOutput<S> | undefined;
  /** The default as help shows it. */
  readonly defaultText?: string;
  /** Flag without dashes; a setting without one is set by file or environment only. */
  readonly flag?: string;
  /** What stands after the flag in help; a switch has none. */
  readonly argument?: string;
  readonly help: string;
}

export type Settings = Readonly<Record<string, Setting>>;
export type ValuesOf<T extends Settings> = {
  readonly [K in keyof T]: v.InferOutput<T[K]['schema']> | (undefined extends T[K]['default'] ? undefined : never);
};

export interface SettingSources {
  /** Parsed YAML of the configuration file. */
  readonly file?: unknown;
  readonly fileName?: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly args: readonly string[];
}

/** A mistake of the caller: wrong flag, key or value. The program ends with exit code 64. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
  readonly exitCode = 64;
}

export function resolveSettings<T extends Settings>(
  settings: T,
  sources: SettingSources,
): { values: ValuesOf<T>; positionals: readonly string[] } {
  const { flags, positionals } = readFlags(settings, sources.args);
  const found = new Map<string, Found>([
    ...readFile(settings, sources.file, sources.fileName ?? 'the configuration file'),
    ...readEnvironment(settings, sources.env),
    ...flags,
  ]);
  const values = Object.fromEntries(
    Object.entries(settings).map(([name, setting]) => [name, valueOf(name, setting, found.get(name))]),
  );
  return { values: values as ValuesOf<T>, positionals }; // every value has just been parsed by its own schema
}

/** Help text of the flags, two columns. */
export function renderFlags(settings: Settings): string {
  const rows = Object.values(settings).flatMap((setting) => {
    if (setting.flag === undefined) return [];
    const left = `  --${setting.flag}${setting.argument === undefined ? '' : ` ${setting.argument}`}`;
    const fallback = setting.defaultText === undefined ? '' : ` (default ${setting.defaultText})`;
    return [[left, `${setting.help}${fallback}`] as const];
  });
  const width = Math.max(...rows.map(([left]) => left.length)) + 2;
  return rows.map(([left, right]) => `${left.padEnd(width)}${right}`).join('\n');
}

interface Found {
  readonly value: unknown;
  /** Where it was said, for the error message. */
  readonly where: string;
}

function valueOf(name: string, setting: Setting, found: Found | undefined): unknown {
  if (!found) return setting.default;
  const result = v.safeParse(setting.schema, found.value);
  if (result.success) return result.output;
  throw new UsageError(
    `${found.where}: ${JSON.stringify(found.value)} is not a valid ${name}: ${result.issues[0].message}`,
  );
}

function readFlags(settings: Settings, args: readonly string[]): { flags: Map<string, Found>; positionals: string[] } {
  const byFlag = new Map(
    Object.entries(settings).flatMap(([name, setting]) =>
      setting.flag === undefined ? [] : [[setting.flag, { name, setting }] as const],
    ),
  );
  const flags = new Map<string, Found>();
  const positionals: string[] = [];
  const rest = [...args];
  for (let arg = rest.shift(); arg !== undefined; arg = rest.shift()) {
    if (arg === '--') {
      positionals.push(...rest);
      break;
    }
    if (!arg.startsWith('-') || arg === '-') {
      positionals.push(arg);
      continue;
    }
    const [, flag = '', inline] = /^--?([^=]*)(?:=(.*))?$/s.exec(arg) ?? [];
    const known = byFlag.get(flag);
    if (!known)
      throw new UsageError(
        `unknown flag ${arg.split('=')[0] ?? arg}${suggest(flag, [...byFlag.keys()], (one) => `--${one}`)}`,
      );
    const value = known.setting.argument === undefined ? (inline ?? 'true') : (inline ?? rest.shift());
    if (value === undefined) throw new UsageError(`--${flag} needs a value: --${flag} ${known.setting.argument ?? ''}`);
    flags.set(known.name, { value, where: `--${flag}` });
  }
  return { flags, positionals };
}

function readEnvironment(settings: Settings, env: SettingSources['env']): Map<string, Found> {
  const byVariable = new Map(
    Object.keys(settings).map((name) => [`WHYIDLE_${name.replace('.', '_').toUpperCase()}`, name]),
  );
  const found = new Map<string, Found>();
  for (const [variable, value] of Object.entries(env)) {
    const name = byVariable.get(variable);
    if (name !== undefined && value !== undefined) found.set(name, { value, where: variable });
  }
  return found;
}

function readFile(settings: Settings, file: unknown, fileName: string): Map<string, Found> {
  const found = new Map<string, Found>();
  if (file === undefined || file === null) return found;
  const names = Object.keys(settings);
  const sections = new Set(names.map((name) => name.split('.')[0] ?? name));
  for (const [section, content] of entriesOf(file, fileName, 'sections')) {
    if (!sections.has(section))
      throw new UsageError(`${fileName}: unknown section ${section}${suggest(section, [...sections])}`);
    for (const [key, value] of entriesOf(content, `${fileName}: ${section}`, 'keys')) {
      const name = `${section}.${key}`;
      if (!Object.hasOwn(settings, name))
        throw new UsageError(`${fileName}: unknown key ${name}${suggest(name, names)}`);
      found.set(name, { value, where: `${fileName}: ${name}` });
    }
  }
  return found;
}

function entriesOf(value: unknown, where: string, what: string): [string, unknown][] {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new UsageError(`${where} must hold ${what}`);
  return Object.entries(value);
}

/** `, did you mean …?` for the known word that is nearest, or nothing. */
export function suggest(word: string, known: readonly string[], show = (one: string): string => one): string {
  const [best] = known
    .map((one) => ({ one, distance: distanceOf(word, one) }))
    .toSorted((a, b) => a.distance - b.distance);
  return best && best.distance <= Math.max(2, word.length / 3) ? `, did you mean ${show(best.one)}?` : '';
}

/** Levenshtein distance. */
function distanceOf(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      row.push(
        Math.min(
          (previous[j] ?? 0) + 1,
          (row[j - 1] ?? 0) + 1,
          (previous[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1),
        ),
      );
    }
    previous = row;
  }
  return previous[b.length] ?? 0;
}

// Schemas that settings share.

/** `30s`, `5m`, `2h`, `7d`, `250ms` or milliseconds as a number. */
export const durationMs = v.pipe(
  v.union([v.string(), v.number()]),
  v.rawTransform<string | number, number>(({ dataset, addIssue, NEVER }) => {
    const text = String(dataset.value);
    const [, amount, unit = 'ms'] = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)?$/.exec(text) ?? [];
    const factor = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }[unit];
    if (amount === undefined || factor === undefined) {
      addIssue({ message: 'expected a duration such as 30s, 5m or 2h' });
      return NEVER;
    }
    return Number(amount) * factor;
  }),
);

/** `HOST:PORT`, `:PORT` or `PORT`; a bare port listens on loopback. */
export const listenAddress = v.pipe(
  v.union([v.string(), v.number()]),
  v.rawTransform<string | number, { readonly host: string; readonly port: number }>(({ dataset, addIssue, NEVER }) => {
    const [, host = '', port] = /^(?:(.*):)?(\d{1,5})$/.exec(String(dataset.value)) ?? [];
    if (port === undefined || Number(port) > 65_535) {
      addIssue({ message: 'expected HOST:PORT, for example 127.0.0.1:8420' });
      return NEVER;
    }
    return { host: host.replace(/^\[|\]$/g, '') || '127.0.0.1', port: Number(port) };
  }),
);

export const flagSwitch = v.pipe(
  v.union([v.boolean(), v.picklist(['true', 'false', '1', '0'])]),
  v.transform((value) => value === true || value === 'true' || value === '1'),
);

/** A list: YAML sequence or words parted by commas. */
export const wordList = v.pipe(
  v.union([v.array(v.string()), v.string()]),
  v.transform((value): readonly string[] =>
    typeof value === 'string'
      ? value
          .split(',')
          .map((word) => word.trim())
          .filter((word) => word !== '')
      : value,
  ),
);

export const positiveInteger = v.pipe(
  v.union([v.string(), v.number()]),
  v.transform(Number),
  v.integer('expected a whole number'),
  v.minValue(1, 'expected at least 1'),
);
