// Two servers, one engine: real VictoriaMetrics behind remote write. A server that is killed loses its agents to the other one;
// in the engine every reading is there, once.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { NodesAnswer } from '#server/contract';
import { readProduced } from '../faults/oracle.ts';
import { pause, Producer } from '../faults/rig.ts';
import { FaultyServer } from '../faults/server.ts';
import { leftOut } from '../left-out.ts';
import { freePort, json, until } from '../system/program.ts';
import { missingPrograms, startReal, type RealProgram } from './programs.ts';

const missing = missingPrograms('victoria-metrics');
if (missing !== undefined) leftOut('several servers and one engine', missing);

interface Exported {
  readonly metric: Readonly<Record<string, string>>;
  readonly values: readonly number[];
  readonly timestamps: readonly number[];
}

describe.skipIf(missing !== undefined)('two servers and one VictoriaMetrics', () => {
  let scratch: string;
  let engine: RealProgram;
  let engineUrl: string;
  let servers: FaultyServer[];
  let config: string;
  const producers: Producer[] = [];

  beforeAll(async () => {
    scratch = mkdtempSync(join(tmpdir(), 'whyidle-several-'));
    const port = await freePort();
    engineUrl = `http://127.0.0.1:${port}`;
    engine = await startReal(
      'victoria-metrics',
      [
        `-httpListenAddr=127.0.0.1:${port}`,
        `-storageDataPath=${join(scratch, 'vm')}`,
        ...['-retentionPeriod=7d', '-search.latencyOffset=0s', '-dedup.minScrapeInterval=1ms', '-loggerLevel=ERROR'],
      ],
      `${engineUrl}/health`,
    );
    config = join(scratch, 'server.yaml');
    writeFileSync(
      config,
      `remote_write:\n  - url: ${engineUrl}/api/v1/write\n    mode: raw\n    labels: {cluster: sherlock}\n`,
    );
    servers = await Promise.all(['a', 'b'].map((name) => FaultyServer.at(join(scratch, name))));
    for (const server of servers) await server.start({ flags: ['--config', config] });
  }, 60_000);
  afterAll(async () => {
    await Promise.all(producers.map((producer) => producer.end()));
    await Promise.all(servers.map((server) => server.kill('SIGTERM')));
    await engine.stop();
    rmSync(scratch, { recursive: true, force: true });
  });

  async function nodesOf(server: FaultyServer): Promise<readonly string[]> {
    const { nodes } = await json<NodesAnswer>(`${server.url}/api/v1/nodes`);
    return nodes.filter(({ up }) => up).map(({ name }) => name);
  }

  async function exported(node: string): Promise<Exported | undefined> {
    const match = `whyidle_disk_reads_completed_total{node="${node}"}`;
    const url = `${engineUrl}/api/v1/export?match[]=${encodeURIComponent(match)}&start=0&end=9999999999`;
    const lines = (await (await fetch(url)).text()).split('\n').filter(Boolean);
    expect(lines.length).toBeLessThanOrEqual(1);
    return lines[0] === undefined ? undefined : (JSON.parse(lines[0]) as Exported);
  }

  test('share the nodes; when one is killed the other one takes all, nothing is lost, nothing counted twice', async () => {
    const [first, second] = servers;
    if (!first || !second) throw new Error('there are two servers');
    for (const name of ['n1', 'n2', 'n3', 'n4', 'n5', 'n6']) {
      const producer = new Producer(name, scratch);
      producers.push(producer);
      producer.start({ server: `${first.url},${second.url}`, flags: ['--server-order', 'shared'] });
    }
    await until('all are live', async () => {
      const found = [...(await nodesOf(first)), ...(await nodesOf(second))];
      return found.length === producers.length ? true : undefined;
    });
    await pause(2000);
    await first.kill();
    await until('all are with the other one', async () =>
      (await nodesOf(second)).length === producers.length ? true : undefined,
    );
    await pause(2000);
    // What the killed one had not passed on is on its disk.
    await first.start({ flags: ['--config', config] });
    for (const producer of producers) producer.signal('SIGUSR2');
    for (const producer of producers) {
      const produced = readProduced(producer.log).map(({ number }) => number);
      const found = await until(
        `${producer.node} is complete in the engine`,
        async () => {
          const { values = [], timestamps = [], metric } = (await exported(producer.node)) ?? {};
          const all = new Set(values);
          if (!produced.every((number) => all.has(number))) return undefined;
          return { values, timestamps, metric };
        },
        30_000,
      );
      // The same reading from both has one time: the engine takes the two for one.
      const times = new Map<number, Set<number>>();
      for (const [at, value] of found.values.entries()) {
        const known = times.get(value) ?? new Set<number>();
        times.set(value, known.add(found.timestamps[at] ?? NaN));
      }
      expect([...times].filter(([, set]) => set.size > 1)).toEqual([]);
      expect(times.size).toBe(produced.length);
      expect(found.metric).toMatchObject({ cluster: 'sherlock', node: producer.node, device: 'number' });
    }
  }, 120_000);
});
