// The live connection: what the server last said, and how old that is.
import { io, type Socket } from 'socket.io-client';
import type { BrowserToServer, LiveHello, ServerToBrowser, Watch } from '#server/contract';
import { clock } from './clock.ts';
import { FleetState } from './fleet-state.svelte.ts';
import { NodeState } from './node-state.svelte.ts';

type LiveSocket = Socket<ServerToBrowser, BrowserToServer>;
export type Connection = 'connecting' | 'live' | 'lost';

/** Ticks come once a second; without one for so long the values on the page are stale. */
const STALE_AFTER_MS = 3000;
/** A node that nobody knows may still come. */
const ASK_AGAIN_MS = 5000;

class LiveState {
  readonly fleet = new FleetState();
  readonly node = new NodeState();
  connection: Connection = $state('connecting');
  hello: LiveHello | undefined = $state.raw();
  /** The server is another than the one that this page came from. */
  outdated = $state(false);
  /** Why the node that was asked for cannot be watched. */
  problem: string | undefined = $state();
  /** When the last tick came, by this browser's clock; 0 = none yet. */
  receivedMs = $state(0);
  /** True while the values on the page are those of now. */
  readonly fresh = $derived(this.connection === 'live' && clock.nowMs - this.receivedMs < STALE_AFTER_MS);
  #lostMs = $state(0);
  /** Server's clock minus this browser's. */
  #aheadMs = $state(0);
  #watch: Watch = { view: 'fleet' };
  readonly #socket: LiveSocket = io('/live', {
    transports: ['websocket'],
    reconnectionDelay: 500,
    reconnectionDelayMax: 5000,
  });

  constructor() {
    this.#followConnection(this.#socket);
    this.#followViews(this.#socket);
  }

  /** For how long the connection is lost; 0 while it is not. */
  get lostForMs(): number {
    return this.connection === 'lost' ? clock.nowMs - this.#lostMs : 0;
  }

  /** The server's clock now, as far as this browser can tell. */
  get serverNowMs(): number {
    return clock.nowMs + this.#aheadMs;
  }

  watch(next: Watch): void {
    this.#watch = next;
    this.problem = undefined;
    this.node.clear();
    if (this.#socket.connected) this.#ask();
  }

  reconnect(): void {
    if (this.connection === 'lost') this.#socket.disconnect().connect();
  }

  #followConnection(socket: LiveSocket): void {
    socket.on('connect', () => {
      this.#ask();
    });
    socket.on('disconnect', () => {
      this.#lose();
    });
    socket.on('connect_error', () => {
      this.#lose();
    });
    socket.on('hello', (hello) => {
      this.outdated = this.hello !== undefined && this.hello.server_version !== hello.server_version;
      this.hello = hello;
      this.#aheadMs = hello.server_time_ms - Date.now();
    });
  }

  #followViews(socket: LiveSocket): void {
    socket.on('fleet_directory', (directory) => {
      this.fleet.directory = directory;
    });
    socket.on('fleet', (tick) => {
      if (this.fleet.take(tick)) this.#arrived();
    });
    socket.on('node_directory', (directory) => {
      this.node.introduce(directory);
    });
    socket.on('node_history', (history) => {
      this.node.fill(history);
    });
    socket.on('node', (tick) => {
      if (this.node.take(tick)) this.#arrived();
    });
  }

  #lose(): void {
    if (this.connection === 'live') this.#lostMs = Date.now();
    if (this.connection !== 'connecting') this.connection = 'lost';
  }

  #ask(): void {
    const asked = this.#watch;
    this.#socket.emit('watch', asked, (reply) => {
      this.connection = 'live';
      if (asked !== this.#watch) return;
      this.problem = reply.ok ? undefined : reply.message;
      if (reply.ok) return;
      setTimeout(() => {
        if (asked === this.#watch && this.#socket.connected) this.#ask();
      }, ASK_AGAIN_MS);
    });
  }

  #arrived(): void {
    this.connection = 'live';
    this.problem = undefined;
    this.receivedMs = Date.now();
  }
}

export const live = new LiveState();
