// `whyidle help [COMMAND]`.
import { renderFlags, suggest, UsageError } from '#agent/contract';
import { serverSettings } from '../config.ts';
import { commands, findCommand } from './commands.ts';

export async function runHelp([name]: readonly string[]): Promise<number> {
  if (name === undefined || name === 'help') {
    process.stdout.write(overview());
    return 0;
  }
  const command = findCommand(name);
  if (!command) throw new UsageError(`unknown command ${name}${suggest(name, Object.keys(commands))}`);
  return command(['--help']);
}

export function wantsHelp(args: readonly string[]): boolean {
  return args.includes('--help') || args.includes('-h');
}

/** Help of a command that takes the server's settings. */
export function renderServerHelp(usage: string): string {
  const fileOnly = Object.entries(serverSettings)
    .filter(([, setting]) => !('flag' in setting))
    .map(([name, { help }]) => `  ${name.padEnd(26)}${help}`);
  return [
    `Usage: ${usage}`,
    '',
    renderFlags(serverSettings),
    '  --config FILE          read settings from a YAML file',
    '',
    'Settings of the file only (or WHYIDLE_SECTION_KEY in the environment):',
    ...fileOnly,
    '',
  ].join('\n');
}

function overview(): string {
  const rows = Object.entries(commands).map(([name, { summary }]) => `  ${name.padEnd(10)}${summary}`);
  return `Usage: whyidle COMMAND [FLAGS]\n\n${rows.join('\n')}\n\nwhyidle help COMMAND shows the flags of one.\n`;
}
