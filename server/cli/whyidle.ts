#!/usr/bin/env node
// The command line: finds the command and loads only that. Data to stdout, messages to stderr.
import { UsageError, suggest } from '#agent/contract';
import { commands, findCommand } from './commands.ts';
import { isTooOld, runOnOwnNode } from './runtime.ts';

process.exitCode = isTooOld() ? await runOnOwnNode(import.meta.url) : await run(process.argv.slice(2));

async function run([name = 'help', ...args]: readonly string[]): Promise<number> {
  try {
    const command = findCommand(name);
    if (!command) throw new UsageError(`unknown command ${name}${suggest(name, Object.keys(commands))}`);
    return await command(args);
  } catch (error) {
    return report(error, name);
  }
}

/** Mistakes of the caller and of the surroundings are sentences; ours come with a stack. */
function report(error: unknown, name: string): number {
  if (!(error instanceof Error && 'exitCode' in error && typeof error.exitCode === 'number')) {
    process.stderr.write(`whyidle: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    return 2;
  }
  process.stderr.write(`whyidle: ${error.message}\n`);
  if (error.exitCode === 64)
    process.stderr.write(`See: whyidle help${findCommand(name) && name !== 'help' ? ` ${name}` : ''}\n`);
  return error.exitCode;
}
