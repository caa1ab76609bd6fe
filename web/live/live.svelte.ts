// The live connection: what the server last said, and how old that is. Large data is replaced, never mutated.
import { io, type Socket } from 'socket.io-client';
import type {
  BrowserToServer,
  FleetDirectory,
  FleetTick,
  LiveHello,
  NodeDirectory,
  NodeTick,
  ServerToBrowser,
  Watch,
} from '#server/contract';
import { bytesOf } from './bytes.ts';
import { ChartStore } from './chart-store.ts';
import { NodeValues, SeriesIndex } from './node-values.ts';
import { Trend } from './trend.ts';

export type Connection = 'connecting' | 'live' | 'lost';

/** Without a message for so long the values on the page are stale. */
export const STALE_AFTER_MS = 3000;

export interface Drawn {
  /** Of the node that is watched. */
  readonly charts: ChartStore | undefined;
  readonly trend: Trend;
}

class LiveState {
  connection: Connection = $state('connecting');
  hello: LiveHello | undefined = $state.raw();
  directory: FleetDirectory | undefined = $state.raw();
  fleet: FleetTick | undefined = $state.raw();
  nodeDirectory: NodeDirectory | undefined = $state.raw();
  seriesIndex: SeriesIndex | undefined = $state.raw();
  node: NodeTick | undefined = $state.raw();
  nodeValues: NodeValues | undefined = $state.raw();
  /** Why the node that was asked for cannot be watched. */
  problem: string | undefined = $state();
  /** Plain arrays that charts draw from; a new wrapper with every tick, so that what reads it draws again. */
  drawn: Drawn = $state.raw({ charts: undefined, trend: new Trend() });
  /** This browser's clock, moved on a few times a second. */
  nowMs = $state(Date.now());
  /** When the last tick came, by this browser's clock. */
  receivedMs = $state(0);
  #lostMs = $state(0);
  #watch: Watch = { view: 'fleet' };
  readonly #socket: Socket<ServerToBrowser, BrowserToServer> = io('/live', {
    transports: ['websocket'],
    reconnectionDelay: 500,
    reconnectionDelayMax: 5000,
  });

  constructor() {
    const socket = this.#socket;
    socket.on('connect', () => {
      this.#ask();
    });
    socket.on('disconnect', () => {
      this.connection = 'lost';
      this.#lostMs = Date.now();
    });
    socket.on('connect_error', () => {
      if (this.connection === 'live') this.#lostMs = Date.now();
      if (this.connection !== 'connecting') this.connection = 'lost';
    });
    socket.on('hello', (hello) => {
      this.hello = hello;
    });
    socket.on('fleet_directory', (directory) => {
      this.directory = directory;
    });
    socket.on('fleet', (tick) => {
      this.fleet = { ...tick, cells: bytesOf(tick.cells) };
      this.drawn.trend.add(tick.summary);
      this.#arrived();
    });
    socket.on('node_directory', (directory) => {
      this.nodeDirectory = directory;
      this.seriesIndex = new SeriesIndex(directory.series);
      this.drawn = { ...this.drawn, charts: new ChartStore(directory.series) };
    });
    socket.on('node_history', (history) => {
      this.drawn.charts?.fill(history);
      this.drawn = { ...this.drawn };
    });
    socket.on('node', (tick) => {
      this.node = tick;
      if (!this.seriesIndex || tick.generation !== this.nodeDirectory?.generation) return;
      this.nodeValues = new NodeValues(this.seriesIndex, tick);
      this.drawn.charts?.add(tick.time_ms, this.nodeValues);
      this.#arrived();
    });
    setInterval(() => {
      this.nowMs = Date.now();
    }, 250);
  }

  /** True while the values on the page are those of now. */
  get fresh(): boolean {
    return this.connection === 'live' && this.nowMs - this.receivedMs < STALE_AFTER_MS;
  }
  /** Since when the connection is lost; 0 while it is not. */
  get lostForMs(): number {
    return this.connection === 'lost' ? this.nowMs - this.#lostMs : 0;
  }
  /** The server's clock now, as far as this browser can tell. */
  get serverNowMs(): number {
    const newest = this.node?.time_ms ?? this.fleet?.summary.time_ms;
    return newest === undefined ? this.nowMs : newest + (this.nowMs - this.receivedMs);
  }

  watch(next: Watch): void {
    if (JSON.stringify(next) === JSON.stringify(this.#watch) && this.connection === 'live') return;
    this.#watch = next;
    this.problem = undefined;
    this.node = undefined;
    this.nodeValues = undefined;
    this.nodeDirectory = undefined;
    this.drawn = { ...this.drawn, charts: undefined };
    if (this.#socket.connected) this.#ask();
  }

  reconnect(): void {
    this.#socket.disconnect().connect();
  }

  #ask(): void {
    this.#socket.emit('watch', this.#watch, (reply) => {
      this.connection = 'live';
      this.problem = reply.ok ? undefined : reply.message;
    });
  }

  #arrived(): void {
    this.connection = 'live';
    this.problem = undefined;
    this.receivedMs = this.nowMs = Date.now();
    this.drawn = { ...this.drawn };
  }
}

export const live = new LiveState();
