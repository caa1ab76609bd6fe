// `npm run bench:ingest -- [--agents 1000,5000,10000] [--seconds 20] [--servers tcp,ws,sockets,whyidle] [--tls]
// [--program FILE]`: what the built server pays for a message of an agent, beside its sockets alone and beside bare websocket
// and TCP servers that answer the same messages of the same load agents with four bytes. The ratios count; the rest
// depends on who else is at work.
import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { LoadFleet } from './load-agents-fleet.ts';
import type { Target } from './load-agents-agent.ts';
import { buildFrames } from './load-agents-frames.ts';
import type { WireForm } from './load-agents-wire.ts';
import { bytesBelow, openFilesLimit, standingOf, threadUse, type Standing } from './ingest-cost.ts';
import { builtServer, startEcho, startServer, type ServerUnderLoad } from './ingest-server.ts';

const { values: flags } = parseArgs({
  options: {
    agents: { type: 'string', default: '1000,5000,10000' },
    seconds: { type: 'string', default: '20' },
    'warm-up': { type: 'string', default: '5' },
    servers: { type: 'string', default: 'tcp,ws,sockets,whyidle' },
    tls: { type: 'boolean', default: false },
    program: { type: 'string', default: builtServer },
  },
});
const CONNECTS_PER_SECOND = 500;
/** Files that a process has open beside its connections. */
const OTHER_FILES = 100;
const seconds = Number(flags.seconds);

interface Candidate {
  readonly form: WireForm;
  readonly name: string;
}

interface Measured {
  readonly name: string;
  readonly usPerMessage: number;
}

if (flags.servers.includes('whyidle') && !existsSync(flags.program)) {
  console.error(`${flags.program} is not there: npm run build`);
  process.exit(2);
}
const sizes = buildFrames().bodies.map(({ bytes }) => bytes.length);
console.log(
  `720 series a frame, ${(sizes.reduce((sum, size) => sum + size, 0) / sizes.length).toFixed(0)} B on average`,
);
for (const agents of flags.agents.split(',').map(Number)) await compare(agents);

async function compare(agents: number): Promise<void> {
  if (agents + OTHER_FILES > openFilesLimit()) {
    console.log(
      `${agents} agents: left out, a process may open ${openFilesLimit()} files (ulimit -n ${agents + OTHER_FILES})`,
    );
    return;
  }
  console.log(`\n${agents} agents, a frame a second each, ${seconds} s${flags.tls ? ', TLS' : ''}`);
  const floors: Measured[] = [];
  for (const server of flags.servers.split(',')) {
    switch (server) {
      case 'tcp':
      case 'ws':
        floors.push(await measure({ form: server, name: `bare ${server}` }, await startEcho(server), agents));
        break;
      case 'sockets':
        floors.push(await measure({ form: 'socket.io', name: 'our sockets alone' }, await startEcho(server), agents));
        break;
      default:
        await measureOurs(agents, floors);
    }
  }
}

async function measureOurs(agents: number, floors: readonly Measured[]): Promise<void> {
  const server = await startServer(flags.program, { tls: flags.tls });
  const { name, usPerMessage } = await measure({ form: 'socket.io', name: 'whyidle' }, server, agents);
  const ratios = floors.map((floor) => `${(usPerMessage / floor.usPerMessage).toFixed(1)} × ${floor.name}`);
  if (ratios.length > 0) console.log(`  ${name}: ${ratios.join(', ')}`);
}

async function measure({ form, name }: Candidate, server: ServerUnderLoad, agents: number): Promise<Measured> {
  const target: Target = {
    form,
    host: '127.0.0.1',
    port: server.port,
    ...(server.ca === undefined ? {} : { ca: server.ca }),
  };
  const processes = agents > 5000 ? 2 : 1;
  const fleet = new LoadFleet({ target, agents, processes, connectsPerSecond: CONNECTS_PER_SECOND, returns: false });
  try {
    return await underLoad(name, server, fleet);
  } finally {
    fleet.stop();
    await server.stop();
  }
}

async function underLoad(name: string, server: ServerUnderLoad, fleet: LoadFleet): Promise<Measured> {
  const { agents } = fleet;
  const patienceMs = 20_000 + (agents / CONNECTS_PER_SECOND) * 2000;
  await fleet.reset();
  const idle = standingOf(server.pid);
  fleet.tell('connect');
  await fleet.until('all are connected', ({ open }) => open === agents, patienceMs);
  const connected = standingOf(server.pid);
  fleet.tell('greet');
  await fleet.until('all are live', ({ live }) => live === agents, patienceMs);
  await sleep(Number(flags['warm-up']) * 1000);
  await fleet.reset();
  const journalBefore = bytesBelow(server.journalFolder);
  const before = standingOf(server.pid);
  await sleep(seconds * 1000);
  const report = await fleet.fresh();
  const after = standingOf(server.pid);
  const journalBytes = bytesBelow(server.journalFolder) - journalBefore;
  const messages = report.acknowledged;
  const usPerMessage = ((after.cpuMs - before.cpuMs) * 1000) / messages;
  const perConnection = (standing: Standing): string =>
    `${((standing.residentBytes - idle.residentBytes) / agents / 1024).toFixed(0)} KiB`;
  console.log(
    `  ${name}: ${usPerMessage.toFixed(1)} µs CPU a message, ${share(after, before)} of a core, ` +
      `ack p50 ${report.ack.quantile(0.5).toFixed(1)} ms, p99 ${report.ack.quantile(0.99).toFixed(1)} ms, ` +
      `RSS ${perConnection(connected)} a connection, ${perConnection(after)} an agent at the end`,
  );
  console.log(
    `    ${(messages / ((after.atMs - before.atMs) / 1000)).toFixed(0)} messages/s acknowledged of ${agents}` +
      (journalBytes > 0 ? `, journal ${(journalBytes / messages).toFixed(0)} B a message` : '') +
      `; load agents up to ${report.lateMs.toFixed(0)} ms late` +
      problemsOf(report),
  );
  const uses = threadUse(before, after).map(
    (thread) => `${thread.name} ${((thread.cpuMs * 1000) / messages).toFixed(1)}`,
  );
  console.log(`    µs a message by thread: ${uses.join(', ')}`);
  return { name, usPerMessage };
}

function share(after: Standing, before: Standing): string {
  return `${(((after.cpuMs - before.cpuMs) / (after.atMs - before.atMs)) * 100).toFixed(1)} %`;
}

function problemsOf({
  lost,
  resyncs,
  failures,
}: {
  readonly lost: number;
  readonly resyncs: number;
  readonly failures: Readonly<Record<string, number>>;
}): string {
  const told = Object.entries({ 'connections lost': lost, resyncs, ...failures }).filter(([, count]) => count > 0);
  return told.length === 0 ? '' : `; ${told.map(([what, count]) => `${what}: ${count}`).join(', ')}`;
}
