// The agent's sweeper: whether there is one, from which settings, and what is said where there is none.
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { FabricSweep } from '#agent/contract';
import { createCommandRunner } from '../../../agent/command.ts';
import { resolveAgentConfig } from '../../../agent/config.ts';
import { main } from '../../../agent/main.ts';
import { systemClock } from '../../../agent/clock.ts';
import { startFabric } from '../../../agent/fabric/start-fabric.ts';
import { umadProblem } from '../../../agent/fabric/tools.ts';
import type { Log } from '../../../agent/log.ts';
import { data, discovery, errors, links, switchGuid } from '../../doubles/fabric/small-net.ts';

let folder: string;
let said: string[];
const log: Log = { info: (message) => said.push(message), warn: (message) => said.push(`warn ${message}`) };
const intervals = { intervalMs: 10_000, topologyIntervalMs: 300_000 };

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'whyidle-start-'));
  said = [];
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

/** Programs that print what a small subnet has. */
function install(): void {
  const print = (name: string, script: string): void => {
    writeFileSync(join(folder, name), `#!/bin/sh\n${script}\n`);
    chmodSync(join(folder, name), 0o755);
  };
  const text = (name: string, content: string): string => {
    writeFileSync(join(folder, name), content);
    return `cat '${join(folder, name)}'`;
  };
  print('ibnetdiscover', text('discovery', discovery));
  print('iblinkinfo', text('links', links));
  const counters = text('data', data);
  print('ibqueryerrors', `if [ "$1" = --counters ]; then ${counters}; else ${text('errors', errors())}; fi`);
}

describe('an agent with a fabric', () => {
  test('sweeps with the tools it was told of', async () => {
    install();
    const commands = createCommandRunner();
    const sweep = await new Promise<FabricSweep>((resolve) => {
      const fabric = startFabric(
        { ...intervals, tools: folder, env: {} },
        {
          ...{ commands, clock: systemClock, log },
          onSweep: (found) => {
            fabric?.stop();
            resolve(found);
          },
        },
      );
    });
    commands.stopAll();
    expect([sweep.devices.length, sweep.ports.length, sweep.problems]).toEqual([3, 5, []]);
    expect(sweep.ports.find(({ guid, port }) => guid === switchGuid && port === 2)?.counters).toMatchObject({
      ...{ PortXmitData: '20', LinkDownedCounter: '0' },
    });
  });

  test('goes on without one where the tools are missing', () => {
    const parts = { commands: createCommandRunner(), clock: systemClock, log, onSweep: () => undefined };
    expect(startFabric({ ...intervals, tools: folder, env: {} }, parts)).toBeUndefined();
    expect(said).toEqual([
      expect.stringMatching(/^warn the fabric is not read: ibnetdiscover, iblinkinfo, ibqueryerrors cannot/),
    ]);
  });

  test.skipIf(umadProblem() === undefined)('goes on without one where there is no InfiniBand', () => {
    const parts = { commands: createCommandRunner(), clock: systemClock, log, onSweep: () => undefined };
    expect(startFabric({ ...intervals, tools: undefined, env: {} }, parts)).toBeUndefined();
    expect(said).toEqual([expect.stringContaining('/dev/infiniband/umad*')]);
  });
});

describe('settings', () => {
  const resolve = (args: readonly string[], env: Readonly<Record<string, string>> = {}) =>
    resolveAgentConfig(['--config', '/dev/null', '--listen', '9820', ...args], env);

  test('off unless asked for, every 10 s, topology every 5 min', () => {
    expect(resolve([])).toMatchObject({
      ...{ 'fabric.enabled': false, 'fabric.tools': undefined },
      ...{ 'fabric.interval': 10_000, 'fabric.topology_interval': 300_000 },
    });
  });

  test('by flag, by file, by environment', () => {
    const file = join(folder, 'agent.yaml');
    writeFileSync(file, 'agent:\n  listen: 9820\nfabric:\n  enabled: true\n  interval: 30s\n');
    expect(
      resolveAgentConfig(['--config', file, '--fabric-tools', '/opt/ib'], { WHYIDLE_FABRIC_TOPOLOGY_INTERVAL: '10m' }),
    ).toMatchObject({
      ...{ 'fabric.enabled': true, 'fabric.tools': '/opt/ib' },
      ...{ 'fabric.interval': 30_000, 'fabric.topology_interval': 600_000 },
    });
    expect(() => resolve([], { WHYIDLE_FABRIC_INTERVAL: '1s' })).toThrow('the shortest interval is 5s');
  });
});

describe('the program `sweep`', () => {
  test('prints a line of JSON for each', async () => {
    install();
    const written: string[] = [];
    const { printSweeps } = await import('../../../agent/fabric/read-sweeps.ts');
    const code = await printSweeps(['--tools', folder, '--count', '2', '--interval', '1ms'], (text) =>
      written.push(text),
    );
    expect(code).toBe(0);
    expect(written.map((line) => (JSON.parse(line) as FabricSweep).devices.length)).toEqual([3, 3]); // its own output
    expect(written.every((line) => line.endsWith('}\n') && line.split('\n').length === 2)).toBe(true);
  });

  test('ends with 2 without tools, with 64 on a flag it does not know', async () => {
    const stderr = process.stderr.write.bind(process.stderr);
    process.stderr.write = () => true;
    try {
      expect(await main('sweep', ['--tools', folder])).toBe(2);
      expect(await main('sweep', ['--reset'])).toBe(64);
    } finally {
      process.stderr.write = stderr;
    }
  });
});
