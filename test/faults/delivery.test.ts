// Faults of processes and of the network, with the real server and real uplinks: what was produced is in the history exactly
// once, or in a recorded gap. Times are minutes compressed to seconds.
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { FleetSummary, NodesAnswer } from '#server/contract';
import { json, until } from '../system/program.ts';
import { readProduced } from './oracle.ts';
import { Proxy } from './proxy.ts';
import { pause, Rig } from './rig.ts';

let rig: Rig;
let proxy: Proxy | undefined;
beforeEach(async () => {
  rig = await Rig.create();
});
afterEach(async () => {
  await proxy?.close();
  proxy = undefined;
  await rig.close();
});

async function nodes(): Promise<NodesAnswer['nodes']> {
  return (await json<NodesAnswer>(`${rig.server.url}/api/v1/nodes`)).nodes;
}
const isUp = async (name: string): Promise<boolean> => (await nodes()).some((node) => node.name === name && node.up);

describe('the server is killed', () => {
  test('again and again while agents send: nothing is lost, nothing stored twice, live within 3 s', async () => {
    const producers = ['a', 'b', 'c', 'd'].map((name) => rig.producer(name));
    await rig.server.start();
    for (const producer of producers) producer.start({ server: rig.server.url });
    for (let round = 0; round < 6; round++) {
      // At another moment of its work each time.
      await pause(700 + ((round * 377) % 900));
      await rig.server.kill();
      await rig.server.start();
    }
    await until('all are live again', async () => {
      const all = await nodes();
      return all.length === producers.length && all.every(({ up }) => up) ? true : undefined;
    });
    await pause(1000);
    for (const producer of producers) producer.signal('SIGUSR2');
    for (const producer of producers) {
      const found = await rig.expectNothingLost(producer);
      expect(found.recorded).toEqual([]);
      expect(found.produced).toBeGreaterThan(50);
    }
  }, 90_000);

  test('and its nodes are known before they come back', async () => {
    const producer = rig.producer('n');
    await rig.server.start();
    producer.start({ server: rig.server.url });
    await until('it is live', async () => ((await isUp('n')) ? true : undefined));
    await pause(1500);
    await producer.end();
    await rig.server.kill();
    await rig.server.start();
    expect((await nodes()).map(({ name }) => name)).toEqual(['n']);
    const page = await (await fetch(`${rig.server.url}/metrics`)).text();
    expect(page).toContain('whyidle_node_last_sample_timestamp_seconds{node="n"}');
  });
});

describe('the agent is killed', () => {
  test('while the server is there: the time until the next one runs is a gap', async () => {
    const producer = rig.producer('n');
    await rig.server.start();
    producer.start({ server: rig.server.url });
    await pause(2500);
    await producer.end();
    await pause(2000);
    producer.start({ server: rig.server.url });
    await pause(2500);
    producer.signal('SIGUSR2');
    const found = await rig.expectNothingLost(producer);
    // The newest reading may not have left the process.
    expect(found.recorded.length).toBeLessThanOrEqual(1);
    const { gaps } = await rig.server.readings('disk_reads_completed_total', { node: 'n' }, Date.now() - 60_000);
    expect(gaps.map(({ reason }) => reason)).toEqual(['not_running']);
    const [gap] = gaps;
    expect((gap?.to_ms ?? 0) - (gap?.from_ms ?? 0)).toBeGreaterThan(1500);
  });

  test('in the middle of an outage: what it had kept comes later, at most one reading is lost', async () => {
    const producer = rig.producer('n');
    await rig.server.start();
    producer.start({ server: rig.server.url });
    await pause(2000);
    await rig.server.kill();
    await pause(2500);
    await producer.end();
    await pause(500);
    producer.start({ server: rig.server.url });
    await pause(1500);
    await rig.server.start();
    await pause(3000);
    producer.signal('SIGUSR2');
    const found = await rig.expectNothingLost(producer);
    expect(found.recorded.length).toBeLessThanOrEqual(1);
  });
});

describe('the network', () => {
  test.each(['blackhole', 'no_answers', 'reset'] as const)(
    '%s for a while: noticed on both sides, then everything comes',
    async (weather) => {
      const producer = rig.producer('n');
      await rig.server.start();
      proxy = await Proxy.before(rig.server.port);
      producer.start({ server: proxy.url });
      await until('it is live', async () => ((await isUp('n')) ? true : undefined));
      await pause(1500);
      proxy.weather = weather;
      if (weather !== 'no_answers')
        await until('the server says so', async () => ((await isUp('n')) ? undefined : true), 12_000);
      await until(
        'the agent says so',
        () => (producer.said.includes('connection to the server is lost') ? true : undefined),
        15_000,
      );
      await pause(1000);
      proxy.weather = 'pass';
      await until('it is live again', async () => ((await isUp('n')) ? true : undefined), 25_000);
      await pause(500);
      producer.signal('SIGUSR2');
      const found = await rig.expectNothingLost(producer);
      expect(found.recorded).toEqual([]);
    },
    90_000,
  );

  test('an outage that is longer than the spool: the oldest are a gap, all others come', async () => {
    const producer = rig.producer('n');
    await rig.server.start();
    producer.start({ server: rig.server.url, spoolCap: 40_000, intervalMs: 100 });
    await pause(1500);
    await rig.server.kill();
    await until('some are gone', () => (spooled(producer.log) > 250 ? true : undefined), 40_000);
    await rig.server.start();
    await pause(2000);
    producer.signal('SIGUSR2');
    const found = await rig.expectNothingLost(producer, 30_000);
    const { gaps } = await rig.server.readings('disk_reads_completed_total', { node: 'n' }, Date.now() - 120_000);
    const capped = gaps.filter(({ reason }) => reason === 'cap');
    expect(found.recorded.length).toBe(capped.reduce((sum, { readings }) => sum + readings, 0));
  }, 90_000);
});

const spooled = (log: string): number => readProduced(log).length;

test('everything stands still for a while: one gap, no old readings dated as of now', async () => {
  const producer = rig.producer('n');
  await rig.server.start();
  producer.start({ server: rig.server.url });
  await until('it is live', async () => ((await isUp('n')) ? true : undefined));
  await pause(1000);
  producer.signal('SIGSTOP');
  rig.server.signal('SIGSTOP');
  await pause(13_000);
  rig.server.signal('SIGCONT');
  producer.signal('SIGCONT');
  await until('it is live again', async () => ((await isUp('n')) ? true : undefined), 20_000);
  await pause(2000);
  producer.signal('SIGUSR2');
  const found = await rig.expectNothingLost(producer);
  expect(found.worstOffsetMs).toBeLessThan(1500);
  const { gaps } = await rig.server.readings('disk_reads_completed_total', { node: 'n' }, Date.now() - 120_000);
  expect(gaps.map(({ reason }) => reason)).toEqual(['paused']);
}, 60_000);

test('two agents of one name: the first keeps it, nothing is mixed, both are told', async () => {
  const [first, second] = [rig.producer('n'), rig.producer('m')];
  await rig.server.start();
  first.start({ server: rig.server.url });
  await until('it is live', async () => ((await isUp('n')) ? true : undefined));
  // Its own log and spool under the name of the first.
  second.start({ server: rig.server.url, flags: ['--node', 'n'] });
  await until('the second is refused', () => (/already connected from .*--name/.test(second.said) ? true : undefined));
  await until('the first hears of it', () => (first.said.includes('two agents call themselves n') ? true : undefined));
  await pause(1500);
  first.signal('SIGUSR2');
  const found = await rig.expectNothingLost(first);
  expect(found.recorded).toEqual([]);
  const summary = await json<FleetSummary>(`${rig.server.url}/api/v1/fleet`);
  expect(summary.coverage.nodes).toBe(1);
});
