// What the server's hot paths cost, beside their floor in the same run: `node test/bench/server.ts [NODES]`.
//   /metrics per series, against copying the finished page and against prom-client for the same series
//   one frame taken in (decode, live state, readings of 8 GPUs), against decoding alone
import { FrameDecoder, metricName, rowOf } from '#agent/contract';
import { Gauge, Registry } from 'prom-client';
import { Exposition } from '../../server/exposition/exposition.ts';
import { createRegistry } from '../../server/exposition/own-metrics.ts';
import { MemoryStore } from '../doubles/memory-store.ts';
import { storeValues } from '../../server/exposition/store-values.ts';
import { Fleet } from '../../server/fleet/fleet.ts';
import { Ledger } from '../../server/ledger/ledger.ts';
import { gpuSeries, helloOf, SetClock, StandInAgent, type StandInSeries } from '../server/stand-in.ts';

const nodes = Number(process.argv[2] ?? 150);
const clock = new SetClock();

/** 720 values as a busy node of 8 GPUs has them; about a third change per second. */
function busySample(second: number): StandInSeries[] {
  const moving = (base: number): number => base + ((second * 7919 + base) % 1000);
  const gpus = Array.from({ length: 8 }, (_, gpu) =>
    gpuSeries({ gpu: String(gpu), busy: 50 + ((second + gpu) % 40), processes: 1, memoryUsed: moving(30_000_000_000) }),
  ).flat();
  const ports = Array.from({ length: 8 }, (_, port) =>
    Array.from({ length: 25 }, (__, counter): StandInSeries => {
      const labels = [`mlx5_${port}`, '1', `counter_${counter}`];
      return ['infiniband_hw_events_total', labels, counter < 8 ? moving(counter * 1e6 + second * 12_345) : 7];
    }),
  ).flat();
  const disks = Array.from({ length: 32 }, (_, disk): StandInSeries[] => [
    ['disk_read_bytes_total', [`nvme${disk}n1`], moving(disk * 1e9 + second * 1e6)],
    ['disk_reads_completed_total', [`nvme${disk}n1`], moving(disk * 1e6 + second * 250)],
    ...(['disk_written_bytes_total', 'disk_size_bytes', 'disk_io_now', 'disk_writes_completed_total'] as const).map(
      (id): StandInSeries => [id, [`nvme${disk}n1`], 1_000_000],
    ),
  ]).flat();
  const rest = 720 - gpus.length - ports.length - disks.length;
  const network = Array.from({ length: rest }, (_, at): StandInSeries => [
    'network_receive_drop_total',
    [`eth${at}`],
    at,
  ]);
  return [...gpus, ...ports, ...disks, ...network];
}

interface Fed {
  readonly fleet: Fleet;
  readonly names: readonly string[];
  readonly frames: readonly Uint8Array[];
}

function feed(): Fed {
  const fleet = new Fleet(new Ledger());
  const names = Array.from({ length: nodes }, (_, at) => `node${at}`);
  const agent = new StandInAgent();
  const schema = agent.schema(busySample(0)).series;
  const frames = Array.from({ length: 60 }, (_, second) =>
    second === 0 ? agent.key(busySample(0), clock.ms) : agent.delta(busySample(second), clock.ms + second * 1000),
  );
  for (const name of names) {
    const node = fleet.greet(helloOf(name), clock.ms);
    fleet.adopt(node, schema, clock.ms);
  }
  return { fleet, names, frames };
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? NaN;
}

function timed(rounds: number, work: () => void): number {
  return median(
    Array.from({ length: rounds }, () => {
      const started = process.cpuUsage();
      work();
      const { user, system } = process.cpuUsage(started);
      return user + system;
    }),
  );
}

function measureIngest(): void {
  const rounds = Array.from({ length: 6 }, () => ({ whole: takeIn(feed()), alone: decode(feed()) }));
  const warm = rounds.slice(2);
  const whole = median(warm.map((round) => round.whole));
  const alone = median(warm.map((round) => round.alone));
  console.log(`ingest: ${whole.toFixed(1)} us a frame of 720 values, decoding alone ${alone.toFixed(1)} us`);
}

/** Microseconds a frame: decode, live state, history, readings and verdicts of 8 GPUs. */
function takeIn({ fleet, names, frames }: Fed): number {
  const members = names.flatMap((name) => fleet.node(name) ?? []);
  const started = process.cpuUsage();
  for (const [second, frame] of frames.entries()) {
    const nowMs = clock.ms + second * 1000;
    for (const node of members) fleet.take(node, { bytes: frame, key: second === 0, receivedMs: nowMs, timeMs: nowMs });
    fleet.advance(nowMs);
  }
  const { user, system } = process.cpuUsage(started);
  return (user + system) / (frames.length * nodes);
}

function decode({ names, frames }: Fed): number {
  const decoders = names.map(() => new FrameDecoder(720));
  const started = process.cpuUsage();
  for (const frame of frames) for (const decoder of decoders) decoder.apply(frame);
  const { user, system } = process.cpuUsage(started);
  return (user + system) / (frames.length * nodes);
}

async function measureExposition(fleet: Fleet): Promise<void> {
  const zero = (): number => 0;
  const own = createRegistry({
    incidents: () => new Map(),
    attribution_coverage_ratio: () => 0,
    ledger_unobserved_seconds_total: zero,
    server_agents: zero,
    server_viewers: zero,
    server_frames_total: zero,
    server_frames_rejected_total: () => new Map(),
    server_bytes_total: zero,
    ...storeValues(new MemoryStore()),
  });
  const exposition = new Exposition(fleet, own);
  const nowMs = clock.ms + 60_000;
  const { bytes, giveBack } = await exposition.renderFleet('prometheus', nowMs);
  const page = Buffer.from(bytes);
  giveBack();
  const series = page
    .toString()
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#')).length;
  const times: number[] = [];
  for (let round = 0; round < 40; round++) {
    const started = process.cpuUsage();
    (await exposition.renderFleet('prometheus', nowMs)).giveBack();
    const { user, system } = process.cpuUsage(started);
    if (round >= 10) times.push(user + system);
  }
  const ours = median(times);
  const copy = timed(15, () => Buffer.from(page));
  const theirs = await promClient(fleet);
  const each = (us: number): string => `${((us * 1000) / series).toFixed(0)} ns a series`;
  console.log(
    `/metrics: ${series} series, ${(page.length / 1e6).toFixed(1)} MB in ${(ours / 1000).toFixed(1)} ms: ${each(ours)}`,
  );
  console.log(
    `  copying the page: ${each(copy)}; prom-client for the same device series: ${each(theirs)}, ${(theirs / ours).toFixed(0)} times as much`,
  );
}

/** The same device series set into prom-client and written by it. */
async function promClient(fleet: Fleet): Promise<number> {
  const registry = new Registry();
  const gauges = new Map<string, Gauge>();
  const once = async (): Promise<number> => {
    const started = process.cpuUsage();
    for (const node of fleet.nodes) {
      for (const series of node.schema.published) {
        const { id, labels } = series;
        const names = ['node', ...rowOf(id).labels];
        const name = metricName(id);
        let gauge = gauges.get(name);
        if (!gauge)
          gauges.set(
            name,
            (gauge = new Gauge({ name, help: rowOf(id).help, labelNames: names, registers: [registry] })),
          );
        gauge.set(
          Object.fromEntries(names.map((label, at) => [label, at === 0 ? node.name : (labels[at - 1] ?? '')])),
          node.level(series),
        );
      }
    }
    await registry.metrics();
    const { user, system } = process.cpuUsage(started);
    return user + system;
  };
  return median([await once(), await once(), await once()]);
}

measureIngest();
const fed = feed();
takeIn(fed);
await measureExposition(fed.fleet);
