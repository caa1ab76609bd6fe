// Flags and settings of the commands that start a server.
import { renderFlags } from '#agent/contract';
import { serverSettings } from '../config.ts';

/** Help of a command that takes the server's settings. */
export function renderServerHelp(usage: string): string {
  const fileOnly = Object.entries(serverSettings)
    .filter(([, setting]) => !('flag' in setting))
    .map(([name, { help }]) => `  ${name.padEnd(26)}${help}`);
  return [
    `Usage: ${usage}`,
    '',
    renderFlags(serverSettings),
    '  --config FILE       read settings from a YAML file',
    '',
    'Settings of the file only (or WHYIDLE_SECTION_KEY in the environment):',
    ...fileOnly,
    '',
  ].join('\n');
}
