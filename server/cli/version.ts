// `whyidle version [--json]`.
import { UsageError } from '#agent/contract';
import { build } from '../build.ts';
import { wantsHelp } from './wants-help.ts';

export function runVersion(args: readonly string[]): Promise<number> {
  const unknown = args.find((arg) => arg !== '--json' && !wantsHelp([arg]));
  if (unknown !== undefined) throw new UsageError(`unknown flag ${unknown}`);
  if (wantsHelp(args)) process.stdout.write('Usage: whyidle version [--json]\n');
  else if (args.includes('--json')) process.stdout.write(`${JSON.stringify({ schema_version: 1, ...build })}\n`);
  else process.stdout.write(`whyidle ${build.version} (${build.commit}, ${build.runtime})\n`);
  return Promise.resolve(0);
}
