// `whyidle help [COMMAND]`.
import { suggest, UsageError } from '#agent/contract';
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

function overview(): string {
  const rows = Object.entries(commands).map(([name, { summary }]) => `  ${name.padEnd(10)}${summary}`);
  return `Usage: whyidle COMMAND [FLAGS]\n\n${rows.join('\n')}\n\nwhyidle help COMMAND shows the flags of one.\n`;
}
