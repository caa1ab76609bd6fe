// A simulated subnet that is swept and judged as the agent and the server do it, with a clock of its own between two sweeps:
// what a minute of errors means must not take a minute.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FabricSweep } from '#agent/contract';
import { systemClock } from '../../../agent/clock.ts';
import { createCommandRunner } from '../../../agent/command.ts';
import { createSweeper, type Sweeper } from '../../../agent/fabric/sweep.ts';
import { findFabricTools } from '../../../agent/fabric/tools.ts';
import type { FabricFinding } from '../../../server/fabric/finding.ts';
import { judgeFabric } from '../../../server/fabric/findings.ts';
import { FabricHistory } from '../../../server/fabric/history.ts';
import { buildFabricModel } from '../../../server/fabric/model.ts';
import { startSubnet, type Subnet, type SubnetOptions } from './ibsim.ts';

export interface WatchedSubnet {
  readonly subnet: Subnet;
  /** Sweeps and judges, so many seconds after the last time. */
  after(seconds: number): Promise<Judged>;
  stop(): Promise<void>;
}

export interface Judged {
  readonly sweep: FabricSweep;
  readonly findings: readonly FabricFinding[];
  /** `severity kind guid/port guid/port`, sorted. */
  readonly told: readonly string[];
}

/** `net`: the listing, or the file that holds it. */
export async function watchSubnet(
  net: { readonly text: string } | { readonly file: string },
  preload: string,
  options: SubnetOptions = {},
): Promise<WatchedSubnet> {
  const folder = mkdtempSync(join(tmpdir(), 'whyidle-net-'));
  const file = 'file' in net ? net.file : join(folder, 'subnet.net');
  if ('text' in net) writeFileSync(file, net.text);
  const subnet = await startSubnet(file, preload, options);
  const tools = findFabricTools({ folder: undefined, path: process.env['PATH'] ?? '' });
  const commands = createCommandRunner();
  const sweeper = createSweeper({ tools, commands, clock: systemClock, env: subnet.env, topologyIntervalMs: 300_000 });
  const watch = new Watch(sweeper);
  return {
    subnet,
    after: (seconds) => watch.after(seconds),
    stop: async () => {
      sweeper.close();
      await subnet.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

class Watch {
  readonly #sweeper: Sweeper;
  readonly #history = new FabricHistory();
  #atMs = Date.UTC(2026, 0, 5, 12);

  constructor(sweeper: Sweeper) {
    this.#sweeper = sweeper;
  }

  async after(seconds: number): Promise<Judged> {
    const sweep = await this.#readWhole();
    this.#atMs += seconds * 1000;
    this.#history.add(sweep, this.#atMs);
    const findings = judgeFabric(buildFabricModel(sweep), this.#history, { totals: false });
    const told = findings.map(({ severity, kind, ports }) =>
      [severity, kind, ...ports.map(({ guid, port }) => `${guid}/${port}`).toSorted()].join(' '),
    );
    return { sweep, findings, told: told.toSorted() };
  }

  /** On a machine that is busy with other tests the simulator answers some questions too late. */
  async #readWhole(): Promise<FabricSweep> {
    let sweep = await this.#sweeper.read();
    for (let attempt = 1; attempt < ATTEMPTS && !isWhole(sweep); attempt++) sweep = await this.#sweeper.read();
    return sweep;
  }
}

const ATTEMPTS = 5;
const ACTIVE = 4;

/** Every active port told its errors. */
function isWhole({ ports, problems }: FabricSweep): boolean {
  const mute = ports.filter(({ state, counters }) => state === ACTIVE && !('SymbolErrorCounter' in counters));
  return problems.length === 0 && mute.length === 0;
}
