// Arguments of commands that take the server's settings: `--config FILE` first, then everything else.
import { UsageError } from '#agent/contract';
import { resolveConfig, type ServerConfig } from '../config.ts';

export function readServerConfig(args: readonly string[], changedDefaults: Partial<ServerConfig> = {}): ServerConfig {
  const { file, rest } = takeConfigFlag(args);
  const { config, positionals } = resolveConfig({ file, env: process.env, args: rest }, changedDefaults);
  const [extra] = positionals;
  if (extra !== undefined) throw new UsageError(`unexpected argument ${extra}`);
  return config;
}

function takeConfigFlag(args: readonly string[]): {
  readonly file: string | undefined;
  readonly rest: readonly string[];
} {
  const at = args.findIndex((arg) => /^--?config(=|$)/.test(arg));
  const flag = args[at];
  if (flag === undefined) return { file: undefined, rest: args };
  const [, inline] = flag.split(/=(.*)/s);
  const file = inline ?? args[at + 1];
  if (file === undefined || file === '') throw new UsageError('--config needs a value: --config FILE');
  return { file, rest: [...args.slice(0, at), ...args.slice(at + (inline === undefined ? 2 : 1))] };
}
