// An agent that reads nothing of a machine: it makes readings up, writes each into a log of its own, and delivers it by the
// real uplink and spool. `node test/faults/producer.ts --server URL --node N --log FILE [--state DIR] [--interval MS]`
// The series disk_reads_completed_total of the history tells which reading is which: its number is also in the log.
import { appendFileSync, existsSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { SampleTime, systemClock } from '../../agent/clock.ts';
import { createInstance } from '../../agent/identity.ts';
import { createLog } from '../../agent/log.ts';
import { Snapshot } from '../../agent/snapshot.ts';
import { Uplink } from '../../agent/uplink/uplink.ts';
import { readProduced } from './oracle.ts';

const { values } = parseArgs({
  options: {
    server: { type: 'string' },
    node: { type: 'string', default: 'n' },
    log: { type: 'string' },
    state: { type: 'string' },
    interval: { type: 'string', default: '100' },
    'spool-cap': { type: 'string', default: '50000000' },
    'server-order': { type: 'string', default: 'listed' },
    failback: { type: 'string', default: '0' },
  },
});
const { server = '', node, log = '', state } = values;
const intervalMs = Number(values.interval);

const snapshot = new Snapshot();
const group = snapshot.group();
/** A count beyond 2^53, as byte counts of InfiniBand are: nothing of it may be rounded on the way. */
const LARGE = 2n ** 60n;
const number = group.counter('disk_reads_completed_total', { device: 'number' });
const large = group.counter('disk_read_bytes_total', { device: 'number' });
const level = group.gauge('load1', {});
const sometimes = group.gauge('load5', {});

const time = new SampleTime(systemClock);
const uplink = new Uplink({
  ...{ server, node, instance: createInstance(), intervalMs, snapshot, clock: systemClock },
  serverOrder: values['server-order'] === 'shared' ? 'shared' : 'listed',
  failbackMs: Number(values.failback),
  inventory: () => ({
    ...{ hostname: node, kernel: '', os: '', arch: '', product: '', vendor: '', bootId: 'b', cpuModel: '' },
    cpus: 1,
    memoryBytes: null,
  }),
  log: createLog('producer', (line) => process.stderr.write(line)),
  random: Math.random,
  spoolFolder: state,
  spoolCapBytes: Number(values['spool-cap']),
});
uplink.start();

let count = (existsSync(log) ? readProduced(log).at(-1)?.number : undefined) ?? 0;
const startedMs = performance.now();
let ticks = 0;

let isReading = true;

function tick(): void {
  if (!isReading) return;
  count++;
  number.set(count);
  large.set(LARGE + BigInt(count) * 4096n);
  level.set(200 + (count % 100));
  if (count % 7 === 0) sometimes.absent('timed_out');
  else sometimes.set(count % 50);
  const timeMs = time.nowMs();
  // First into the log: what is not in it was never produced.
  appendFileSync(log, `${count} ${Date.now()}\n`);
  uplink.sample(timeMs);
  ticks = Math.max(ticks + 1, Math.floor((performance.now() - startedMs) / intervalMs) + 1);
  setTimeout(tick, startedMs + ticks * intervalMs - performance.now());
}
tick();

// Nothing is read any more, what is owed still goes out.
process.on('SIGUSR2', () => {
  isReading = false;
});
process.on('SIGTERM', () => {
  void uplink.stop().then(() => process.exit(0));
});
