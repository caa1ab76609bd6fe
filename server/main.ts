// Assembles the server: HTTP and socket.io on one port, the fleet behind them, one tick a second.
import { createCommandRunner } from '#agent/command';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import type { Server as HttpServer } from 'node:http';
import { join } from 'node:path';
import type { Server as SocketServer } from 'socket.io';
import { createOriginRule } from './access/origin.ts';
import { Alerts } from './alerts/alerts.ts';
import { AgentAlerts } from './alerts/agents.ts';
import { alertsOfFabrics } from './alerts/fabric.ts';
import { alertsOfIncidents } from './alerts/incidents.ts';
import { PeerAlerts } from './alerts/peers.ts';
import { LiveBroadcast } from './broadcast/live.ts';
import { systemClock, type Clock } from './clock.ts';
import type { ServerConfig } from './config.ts';
import { Derived } from './derived/derived.ts';
import { Diagnosis } from './diagnosis/live/diagnosis.ts';
import { Exposition } from './exposition/exposition.ts';
import { FabricLines } from './exposition/fabric-lines.ts';
import { createRegistry } from './exposition/own-metrics.ts';
import { storeValues } from './exposition/store-values.ts';
import { agentPortsOf } from './fabric/agent-ports.ts';
import { FabricWatch } from './fabric/watch.ts';
import { Fleet } from './fleet/fleet.ts';
import { createApp } from './http/app.ts';
import { IncidentBook } from './incidents/book.ts';
import { countIncidents } from './incidents/count.ts';
import { deviceFinder } from './incidents/find-device.ts';
import { serveAgents } from './ingest/agents.ts';
import { IngestCounters } from './ingest/counters.ts';
import { Intake } from './ingest/intake.ts';
import { Leases } from './ingest/leases.ts';
import { createPoller, slurmConfOf } from './jobs/create-poller.ts';
import { JobTable } from './jobs/job-table.ts';
import { openRunStore } from './jobs/open-run-store.ts';
import { readGresConf } from './jobs/slurm/gres-conf.ts';
import { attribution, coverageRatio } from './jobs/summary.ts';
import { HourFiles } from './ledger/hour-files.ts';
import { Ledger } from './ledger/ledger.ts';
import { Raster } from './ledger/raster.ts';
import { listen } from './listen.ts';
import type { Log } from './log.ts';
import { createSockets } from './sockets.ts';
import type { RestoredNode, Store } from './store/entries.ts';
import { openStore } from './store/open-store.ts';
import { SwitchAlerts } from './switches/alerts.ts';
import { SwitchLines } from './switches/lines.ts';
import { SwitchWatch } from './switches/watch.ts';
import { tlsFilesOf } from './tls.ts';
import { createWebServer } from './web-server.ts';

export interface ServerParts {
  readonly config: ServerConfig;
  /** Where its state is kept. */
  readonly folder: string;
  /** Where the built web app is. */
  readonly webFolder: string;
  readonly log: Log;
  readonly clock?: Clock;
  /** In place of the one in the folder. */
  readonly store?: Store;
}

export interface RunningServer {
  readonly host: string;
  readonly port: number;
  /** As this machine reaches it. */
  readonly url: string;
  stop(): Promise<void>;
}

const TICK_MS = 1000;
/** Name of its snapshot in the store. */
const LEDGER = 'ledger.json';
const STOP_WITHIN_MS = 1000;

export async function startServer({
  config,
  folder,
  webFolder,
  log,
  clock = systemClock(),
  store: given,
}: ServerParts): Promise<RunningServer> {
  const { host, port } = config['server.listen'];
  const tls = tlsFilesOf(config);
  const handshakesPerSecond = config['server.handshakes_per_second'];
  let listening: AddressInfo | undefined;
  const origins = createOriginRule({
    isSecure: tls !== undefined,
    listenHost: host,
    port: () => listening?.port ?? port,
    hosts: config['access.hosts'],
  });
  const cluster = config['server.cluster'];
  const store = given ?? (await openStore({ folder, clock, log, settings: config, parts: partsOf(config) }));
  const files = new HourFiles(join(folder, 'ledger'), config['ledger.keep'], (file, reason) => {
    log.warn('an hour of the ledger is damaged and set aside', { file, reason });
  });
  const ledger = new Ledger(store.saved(LEDGER), files);
  const raster = new Raster();
  const fleet = new Fleet(ledger);
  for (const node of store.restored) restore(fleet, node, log);
  const intake = new Intake(store);
  const fabrics = new FabricWatch(() => agentPortsOf(fleet));
  const derived = new Derived(fleet, fabrics);
  const runs = given ? undefined : openRunStore(folder, log);
  const jobs = new JobTable(fleet, {
    store: runs,
    keepMs: config['jobs.keep'],
    files: readGresConf(slurmConfOf(config)),
    wallMs: clock.wallMs(),
    onTrouble: (error) => {
      log.warn('jobs cannot be kept on disk; a restart will forget them', { reason: String(error) });
    },
  });
  const runner = createCommandRunner();
  const slurm = createPoller({ config, runner, jobs, clock, log });
  const incidents = new IncidentBook(deviceFinder(fleet, derived));
  const diagnosis = new Diagnosis({
    fleet,
    derived,
    allocations: () => jobs.allocations(clock.nowMs()),
    onStep: (step) => {
      incidents.take(step);
      raster.take(step.finalSlot, step.final);
    },
  });
  fleet.onFrame = (node) => {
    diagnosis.take(node);
  };
  const peers = new PeerAlerts(fleet, fabrics);
  const switches = new SwitchWatch({ switches: config.switches ?? [], clock, log });
  const switchAlerts = new SwitchAlerts(switches);
  const leases = new Leases();
  const agentAlerts = new AgentAlerts(fleet, leases);
  const alerts = new Alerts(fleet, config, [
    (nowMs) => alertsOfFabrics(fabrics, nowMs),
    (nowMs) => peers.alerts(nowMs),
    (nowMs) => switchAlerts.alerts(nowMs),
    (nowMs) => alertsOfIncidents(incidents.open, nowMs),
    (nowMs) => agentAlerts.alerts(nowMs),
  ]);
  const counters = new IngestCounters();
  const registry = createRegistry({
    attribution_coverage_ratio: () => coverageRatio(jobs, fleet, clock.nowMs()),
    ledger_unobserved_seconds_total: () => (ledger.totals.get('unobserved') ?? 0) / 1000,
    server_agents: () => leases.size,
    server_viewers: () => broadcast.viewers,
    server_frames_total: () => counters.frames,
    server_frames_rejected_total: () => counters.rejected,
    server_bytes_total: () => counters.bytes,
    incidents: () => countIncidents(incidents.open),
    ...storeValues(store),
  });
  const exposition = new Exposition(fleet, registry, {
    derived,
    jobs,
    fabrics: new FabricLines(fabrics),
    switches: new SwitchLines(switches),
  });
  const price = { perGpuHour: config['ledger.price'], currency: config['ledger.currency'] };
  const readiness = () =>
    listening ? { ready: true, reasons: [] } : { ready: false, reasons: ['the server is starting or stopping'] };
  const app = createApp({
    ...{
      fleet,
      fabrics,
      alerts,
      incidents,
      jobs,
      ledger,
      raster,
      exposition,
      store,
      cluster,
      price,
      clock,
      origins,
      readiness,
      webFolder,
      log,
    },
  });
  const web = createWebServer({ fetch: app.fetch, tls, handshakesPerSecond, log });
  const { http } = web;
  const sockets = createSockets(http, { origins, handshakesPerSecond });
  serveAgents(sockets.of('/agents'), {
    ...{ fleet, intake, serverId: store.id, fabrics, leases, counters, clock, log },
    onOwners: (node, owners) => {
      jobs.takeOwners(node, owners);
    },
  });
  const broadcast = new LiveBroadcast(sockets.of('/live'), {
    ...{ fleet, alerts, incidents, derived, cluster, clock, log },
    storeState: () => store.state,
    attribution: () => attribution(jobs, fleet, clock.nowMs()),
  });

  listening = await listen(http, { host, port });
  switches.start();
  slurm?.start();
  const timer = setInterval(() => {
    const nowMs = clock.nowMs();
    jobs.renew(nowMs, clock.wallMs());
    void diagnosis.advance(nowMs);
    fleet.advance(nowMs);
    fileHours(ledger, nowMs, log);
    void saveLedger(fleet, store, log);
    derived.renew(nowMs);
    alerts.renew(nowMs);
    broadcast.tick();
  }, TICK_MS);
  return {
    host,
    port: listening.port,
    url: web.url(host, listening.port),
    stop: async () => {
      listening = undefined;
      clearInterval(timer);
      switches.stop();
      slurm?.stop();
      runner.stopAll();
      web.stop();
      await close(http, sockets);
      await store.close();
      runs?.close();
    },
  };
}

/** What the store's worker needs to know of the configuration. */
function partsOf(config: ServerConfig): Readonly<Record<string, unknown>> {
  const history = Object.entries(config).filter(([name]) => name.startsWith('history.'));
  return { ...Object.fromEntries(history), remote_write: config.remoteWrite };
}

/** One node that cannot be restored is met again when its agent comes back. */
function restore(fleet: Fleet, node: RestoredNode, log: Log): void {
  try {
    fleet.restore(node);
  } catch (error) {
    log.warn('the last state of a node is not readable', { node: node.session.node, reason: String(error) });
  }
}

/** An hour that cannot be filed stays in the snapshot, and is tried again. */
function fileHours(ledger: Ledger, nowMs: number, log: Log): void {
  try {
    ledger.fileHours(nowMs);
  } catch (error) {
    log.warn('an hour of the ledger could not be filed', { reason: String(error) });
  }
}

/** A ledger that cannot be saved is shown all the same: then its counts fall if the server ends. */
async function saveLedger(fleet: Fleet, store: Store, log: Log): Promise<void> {
  const unsaved = fleet.unsaved();
  if (!unsaved) return;
  try {
    await store.save(LEDGER, unsaved.bytes);
  } catch (error) {
    log.warn('the ledger could not be saved', { reason: String(error) });
  }
  unsaved.publish();
}

/** Ends every connection; does not wait for one that does not end. */
async function close(http: HttpServer, sockets: SocketServer): Promise<void> {
  sockets.disconnectSockets(true);
  const closed = once(http, 'close', { signal: AbortSignal.timeout(STOP_WITHIN_MS) }).catch(() => undefined);
  void sockets.close();
  http.closeAllConnections();
  await closed;
}
