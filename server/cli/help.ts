// `whyidle help [COMMAND]`.
import { suggest, UsageError } from '#agent/contract';
import type { Command, Entry } from './command.ts';

export function helpOn(commands: Readonly<Record<string, Entry>>): Command {
  return async ([name]) => {
    if (name === undefined || name === 'help') {
      process.stdout.write(overview(commands));
      return 0;
    }
    const entry = Object.hasOwn(commands, name) ? commands[name] : undefined;
    if (!entry) throw new UsageError(`unknown command ${name}${suggest(name, Object.keys(commands))}`);
    return (await entry.load())(['--help']);
  };
}

function overview(commands: Readonly<Record<string, Entry>>): string {
  const rows = Object.entries(commands).map(([name, { summary }]) => `  ${name.padEnd(10)}${summary}`);
  return `Usage: whyidle COMMAND [FLAGS]\n\n${rows.join('\n')}\n\nwhyidle help COMMAND shows the flags of one.\n`;
}
