// `npm run bench:herd -- [--agents 1000] [--plain] [--down 5] [--kill] [--program FILE]`: the built server is restarted under
// its agents, which come back by the real agent's rule. Prints how long it takes until all are live again, the longest time
// for which the server answered nothing meanwhile, and its memory before and after.
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { HealthWatch } from './herd-health.ts';
import { builtServer, end, pidOf, prepareServer, type ServerPlace } from './ingest-server.ts';
import { LoadFleet } from './load-agents-fleet.ts';
import { readCost } from './process-cost.ts';

const { values: flags } = parseArgs({
  options: {
    agents: { type: 'string', default: '1000' },
    plain: { type: 'boolean', default: false },
    kill: { type: 'boolean', default: false },
    down: { type: 'string', default: '5' },
    settle: { type: 'string', default: '15' },
    program: { type: 'string', default: builtServer },
  },
});
const agents = Number(flags.agents);
const PROCESSES = 2;
const FIRST_CONNECTS_PER_SECOND = 100;
const PATIENCE_MS = 180_000;

const place = await prepareServer(!flags.plain);
const target = {
  form: 'socket.io',
  host: '127.0.0.1',
  port: place.port,
  ...(place.ca ? { ca: place.ca } : {}),
} as const;
const fleet = new LoadFleet({
  ...{ target, agents, processes: PROCESSES },
  connectsPerSecond: FIRST_CONNECTS_PER_SECOND,
  returns: true,
});
try {
  await herd(place);
} finally {
  fleet.stop();
}

async function herd(server: ServerPlace): Promise<void> {
  const first = await server.start(flags.program);
  fleet.tell('greet');
  fleet.tell('connect');
  await fleet.until('all are live', ({ live }) => live === agents, PATIENCE_MS);
  await sleep(Number(flags.settle) * 1000);
  const steadyBytes = readCost(pidOf(first)).residentBytes;
  const quiet = await HealthWatch.of(server, 5000);
  console.log(
    `${agents} agents in ${PROCESSES} processes${flags.plain ? '' : ', TLS'}: steady RSS ${mebibytes(steadyBytes)} MiB, ` +
      `longest answer in 5 s of peace ${quiet.longestMs.toFixed(0)} ms`,
  );
  await end(first, flags.kill ? 'SIGKILL' : 'SIGTERM');
  await fleet.reset();
  await sleep(Number(flags.down) * 1000);
  await comeBack(server, steadyBytes);
  server.remove();
}

async function comeBack(server: ServerPlace, steadyBytes: number): Promise<void> {
  const second = await server.start(flags.program);
  const pid = pidOf(second);
  const startMs = performance.now();
  const cpuBefore = readCost(pid).cpuMs;
  const watch = HealthWatch.start(server);
  const halfway = fleet
    .until('half are live', ({ live }) => live >= agents / 2, PATIENCE_MS)
    .then(() => performance.now());
  await fleet.until('all are live', ({ live }) => live === agents, PATIENCE_MS);
  const allMs = performance.now() - startMs;
  const stall = await watch.stop();
  const cpuMs = readCost(pid).cpuMs - cpuBefore;
  const { failures } = await fleet.fresh();
  console.log(
    `all live again ${(allMs / 1000).toFixed(1)} s after the server answers again (half after ` +
      `${(((await halfway) - startMs) / 1000).toFixed(1)} s), ${(cpuMs / agents).toFixed(2)} ms CPU an agent, all told`,
  );
  console.log(
    `longest answer of /healthz meanwhile ${stall.longestMs.toFixed(0)} ms, p99 ${stall.p99Ms.toFixed(0)} ms of ${stall.asked} ` +
      `(this process was itself held up to ${stall.ownDelayMs.toFixed(0)} ms)`,
  );
  console.log(`attempts that failed: ${JSON.stringify(failures)}`);
  await sleep(Number(flags.settle) * 1000);
  const { residentBytes } = readCost(pid);
  console.log(
    `RSS ${mebibytes(steadyBytes)} MiB before, ${mebibytes(residentBytes)} MiB after: ` +
      `${(((residentBytes - steadyBytes) / steadyBytes) * 100).toFixed(0)} %; worst loop stall it says: ${await saidStall(server)}`,
  );
  await end(second);
}

/** The server's own word, where it has one. */
async function saidStall(server: ServerPlace): Promise<string> {
  const page = await HealthWatch.page(server, '/metrics');
  const [, seconds] = /^whyidle_server_event_loop_stall_seconds\S* (\S+)$/m.exec(page) ?? [];
  return seconds === undefined ? 'nothing' : `${(Number(seconds) * 1000).toFixed(0)} ms`;
}

function mebibytes(bytes: number): string {
  return (bytes / 2 ** 20).toFixed(0);
}
