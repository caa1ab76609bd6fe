// `whyidle demo`: the same server on a temporary state, and the simulated cluster as a child that reports to it.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { prepareScontrol } from '#agent/simulator';
import { stateFolder } from '../config.ts';
import { createLog } from '../log.ts';
import { startServer } from '../main.ts';
import { readServerConfig } from './arguments.ts';
import { checkFaults, demoHelp, takeDemoFlags } from './demo-flags.ts';
import { findPlaces } from './dist.ts';
import { renderServerHelp } from './server-help.ts';
import { wantsHelp } from './wants-help.ts';
import { untilStopped } from './signals.ts';
import { supervise } from './supervisor.ts';

/** Sixteen agents leave much behind every second; without a limit it is let lie until it is three times what is in use. */
const HEAP_LIMIT = '--max-old-space-size=320';

export async function runDemo(args: readonly string[]): Promise<number> {
  if (wantsHelp(args)) {
    process.stdout.write(`${renderServerHelp('whyidle demo [FLAGS]')}${demoHelp}`);
    return 0;
  }
  const folder = mkdtempSync(join(tmpdir(), 'whyidle-demo-'));
  try {
    await demonstrate(args, folder);
  } finally {
    // The simulated nodes may still write their last file.
    rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
  }
  process.exit(0);
}

async function demonstrate(args: readonly string[], folder: string): Promise<void> {
  const { own, rest } = takeDemoFlags(args);
  checkFaults(own.faults);
  const slurm = join(folder, 'slurm');
  const config = readServerConfig(rest, {
    'server.cluster': 'Sherlock (simulated)',
    'server.data': join(folder, 'state'),
    'jobs.scontrol': prepareScontrol(slurm),
    // Nobody watches a demo for ten minutes before something fires.
    'alerts.held_idle_after': 60_000,
    'alerts.underused_after': 120_000,
  });
  const stopped = untilStopped();
  const log = createLog((line) => process.stderr.write(line));
  const { webFolder, agentProgram } = findPlaces();
  const server = await startServer({ config, folder: stateFolder(config, process.env), webFolder, log });
  const cluster = supervise({
    name: 'simulated cluster',
    file: process.execPath,
    args: [HEAP_LIMIT, agentProgram, 'simulate', '--server', server.url, '--slurm', slurm, ...own.flags],
    log,
  });
  process.stderr.write(
    `whyidle is at ${server.url}\n16 simulated nodes with 192 GPUs are starting. Nothing here is real. Ctrl-C stops.\n`,
  );
  await stopped;
  await Promise.all([cluster.stop(), server.stop()]);
}
