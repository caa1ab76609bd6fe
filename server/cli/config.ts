// `whyidle config print|validate [--config FILE] [FLAGS]`: the server's settings as they come out.
import { UsageError } from '#agent/contract';
import { stringify } from 'yaml';
import { stateFolder, type ServerConfig } from '../config.ts';
import { readServerConfig } from './arguments.ts';
import { renderServerHelp } from './server-help.ts';
import { wantsHelp } from './wants-help.ts';

export function runConfig([action, ...args]: readonly string[]): Promise<number> {
  if (wantsHelp([action ?? '--help', ...args])) {
    process.stdout.write(renderServerHelp('whyidle config print|validate [--json] [FLAGS]'));
    return Promise.resolve(0);
  }
  if (action !== 'print' && action !== 'validate')
    throw new UsageError(`config ${action ?? ''} is nothing it can do: config print, config validate`);
  const config = readServerConfig(args.filter((arg) => arg !== '--json'));
  if (action === 'validate') process.stderr.write('The configuration is valid.\n');
  else process.stdout.write(args.includes('--json') ? renderJson(config) : stringify(sectionsOf(config)));
  return Promise.resolve(0);
}

function renderJson(config: ServerConfig): string {
  return `${JSON.stringify({ schema_version: 1, ...sectionsOf(config) }, undefined, 2)}\n`;
}

function sectionsOf(config: ServerConfig): Record<string, Record<string, unknown>> {
  const sections: Record<string, Record<string, unknown>> = {};
  const shown = { ...config, 'server.listen': addressOf(config), 'server.data': stateFolder(config, process.env) };
  for (const [name, value] of Object.entries(shown)) {
    const [section = '', key = ''] = name.split('.');
    if (value !== undefined) (sections[section] ??= {})[key] = value;
  }
  return sections;
}

function addressOf(config: ServerConfig): string {
  const { host, port } = config['server.listen'];
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}
