// `whyidle server`: serves until it is told to stop.
import { join } from 'node:path';
import { stateFolder } from '../config.ts';
import { createLog } from '../log.ts';
import { startServer } from '../main.ts';
import { readServerConfig } from './arguments.ts';
import { findPlaces } from './dist.ts';
import { renderServerHelp } from './server-help.ts';
import { wantsHelp } from './wants-help.ts';
import { untilStopped } from './signals.ts';
import { supervise } from './supervisor.ts';

export async function runServer(args: readonly string[]): Promise<number> {
  if (wantsHelp(args)) {
    process.stdout.write(renderServerHelp('whyidle server [FLAGS]'));
    return 0;
  }
  const config = readServerConfig(args);
  const stopped = untilStopped();
  const log = createLog((line) => process.stderr.write(line));
  const { webFolder, agentProgram } = findPlaces();
  const folder = stateFolder(config, process.env);
  const server = await startServer({ config, folder, webFolder, log });
  const certificate = config['server.tls_cert_file'];
  const trust = certificate === undefined ? [] : ['--ca', certificate];
  const agent = config['server.with_agent']
    ? supervise({
        name: 'agent',
        file: process.execPath,
        args: [agentProgram, 'agent', '--server', server.url, '--state', join(folder, 'agent'), ...trust],
        log,
      })
    : undefined;
  process.stderr.write(
    `whyidle is at ${server.url}\n${agent ? 'This machine is being read.' : 'Waiting for agents.'} Ctrl-C stops.\n`,
  );
  await stopped;
  await Promise.all([agent?.stop(), server.stop()]);
  process.exit(0);
}
