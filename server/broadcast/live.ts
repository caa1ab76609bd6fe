// The socket.io namespace /live: one message per viewer and second, built once per view and only if somebody watches.
// A viewer that has not taken the message before is passed over, so that a slow one neither lags nor fills our memory.
import {
  type Attribution,
  INCIDENTS_SHOWN,
  type BrowserToServer,
  type FleetTick,
  type ServerToBrowser,
  type Watch,
  type WatchReply,
} from '#server/contract';
import type { DefaultEventsMap, Namespace, Socket } from 'socket.io';
import * as v from 'valibot';
import { TokenBucket } from '../access/token-bucket.ts';
import type { Alerts } from '../alerts/alerts.ts';
import { build } from '../build.ts';
import type { Clock } from '../clock.ts';
import type { Derived } from '../derived/derived.ts';
import type { Fleet } from '../fleet/fleet.ts';
import type { FleetNode } from '../fleet/node.ts';
import { summarizeFleet, summarizeNode } from '../fleet/summary.ts';
import type { IncidentBook } from '../incidents/book.ts';
import type { Log } from '../log.ts';
import type { StoreState } from '../store/entries.ts';
import { buildCells } from './cells.ts';
import { buildNodeDirectory, buildNodeHistory, buildNodeTick } from './node-messages.ts';

export type LiveNamespace = Namespace<BrowserToServer, ServerToBrowser, DefaultEventsMap, unknown>;
type LiveSocket = Socket<BrowserToServer, ServerToBrowser, DefaultEventsMap, unknown>;

export interface LiveContext {
  readonly fleet: Fleet;
  readonly alerts: Alerts;
  readonly incidents: Pick<IncidentBook, 'open'>;
  /** Left out where nothing is derived. */
  readonly derived?: Derived;
  readonly cluster: string;
  /** Whether what arrives is kept. */
  readonly storeState: () => StoreState;
  /** Of how many GPUs it is known who has them. */
  readonly attribution: () => Attribution;
  readonly clock: Clock;
  readonly log: Log;
}

const watchSchema = v.variant('view', [
  v.object({ view: v.literal('fleet') }),
  v.object({ view: v.literal('node'), node: v.pipe(v.string(), v.maxLength(256)) }),
]);

/** A node's history is replayed for each: nobody clicks faster. */
const WATCHES_PER_SECOND = 3;

interface Viewer {
  readonly socket: LiveSocket;
  readonly watches: TokenBucket;
  watch: Watch | undefined;
  /** Generation of the directory that the viewer has. */
  directory: number;
}

export class LiveBroadcast {
  readonly #live: LiveNamespace;
  readonly #context: LiveContext;
  readonly #viewers = new Map<string, Viewer>();

  constructor(live: LiveNamespace, context: LiveContext) {
    this.#live = live;
    this.#context = context;
    live.on('connection', (socket) => {
      this.#welcome(socket);
    });
  }

  get viewers(): number {
    return this.#viewers.size;
  }

  /** Once a second. */
  tick(): void {
    const watching = Map.groupBy(this.#viewers.values(), ({ watch }) => watch && roomOf(watch));
    for (const [room, viewers] of watching) {
      const watch = viewers[0]?.watch;
      if (room === undefined || !watch) continue;
      const free = viewers.filter(({ socket }) => socket.conn.transport.writable);
      if (free.length === 0) continue;
      const busy = viewers.filter((viewer) => !free.includes(viewer)).map(({ socket }) => socket.id);
      this.#send(watch, free, this.#live.to(room).except(busy));
    }
  }

  #welcome(socket: LiveSocket): void {
    const { cluster, clock } = this.#context;
    const watches = new TokenBucket(WATCHES_PER_SECOND, clock.nowMs());
    const viewer: Viewer = { socket, watches, watch: undefined, directory: 0 };
    this.#viewers.set(socket.id, viewer);
    socket.emit('hello', { server_version: build.version, cluster, server_time_ms: clock.wallMs() });
    socket.on('watch', (message: unknown, reply: unknown) => {
      try {
        const answer = this.#watch(viewer, message);
        if (typeof reply === 'function') Reflect.apply(reply, undefined, [answer]);
        if (answer.ok && viewer.watch) this.#send(viewer.watch, [viewer], socket);
      } catch (error) {
        this.#context.log.warn('a message of a browser could not be handled', { error: String(error) });
      }
    });
    socket.on('disconnect', () => this.#viewers.delete(socket.id));
  }

  #watch(viewer: Viewer, message: unknown): WatchReply {
    const parsed = v.safeParse(watchSchema, message);
    if (!parsed.success) return { ok: false, message: 'watch {view: "fleet"} or {view: "node", node: NAME}' };
    const watch = parsed.output;
    if (!viewer.watches.take(this.#context.clock.nowMs()))
      return { ok: false, message: 'too many changes of view at once; try again in a second' };
    if (watch.view === 'node' && !this.#context.fleet.node(watch.node))
      return { ok: false, message: `no node called ${watch.node} has reported to this server` };
    if (viewer.watch) void viewer.socket.leave(roomOf(viewer.watch));
    void viewer.socket.join(roomOf(watch));
    viewer.watch = watch;
    viewer.directory = 0;
    return { ok: true };
  }

  /** Sends the directory to those who have not this one yet, then the tick to the whole target. */
  #send(watch: Watch, viewers: readonly Viewer[], target: Pick<LiveSocket, 'emit'>): void {
    const { fleet, alerts, derived, clock } = this.#context;
    if (watch.view === 'fleet') {
      this.#introduce(viewers, fleet.generation, (socket) => {
        socket.emit('fleet_directory', fleet.directory);
      });
      target.emit('fleet', this.#fleetTick());
      return;
    }
    const node = fleet.node(watch.node);
    if (!node) return;
    this.#introduceNode(viewers, node);
    target.emit(
      'node',
      buildNodeTick(
        node,
        { fleet, alerts: alerts.current, incidents: this.#context.incidents.open, derived },
        clock.nowMs(),
      ),
    );
  }

  #introduceNode(viewers: readonly Viewer[], node: FleetNode): void {
    const missing = viewers.some(({ directory }) => directory !== node.generation);
    if (!missing) return;
    const directory = buildNodeDirectory(node);
    const history = buildNodeHistory(node);
    this.#introduce(viewers, node.generation, (socket) => {
      socket.emit('node_directory', directory);
      socket.emit('node_history', history);
    });
  }

  #introduce(viewers: readonly Viewer[], generation: number, send: (socket: LiveSocket) => void): void {
    for (const viewer of viewers) {
      if (viewer.directory === generation) continue;
      viewer.directory = generation;
      send(viewer.socket);
    }
  }

  #fleetTick(): FleetTick {
    const { fleet, alerts, cluster, clock } = this.#context;
    const nowMs = clock.nowMs();
    return {
      generation: fleet.generation,
      summary: summarizeFleet(
        fleet,
        { cluster, store: this.#context.storeState(), attribution: this.#context.attribution() },
        { nowMs, wallMs: clock.wallMs() },
      ),
      nodes: fleet.nodes.map((node) => summarizeNode(fleet, node, nowMs)),
      alerts: alerts.current,
      incidents: this.#context.incidents.open.slice(0, INCIDENTS_SHOWN),
      cells: buildCells(fleet.gpus, alerts.current, nowMs),
    };
  }
}

function roomOf(watch: Watch): string {
  return watch.view === 'fleet' ? 'fleet' : `node:${watch.node}`;
}
