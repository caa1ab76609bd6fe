// One load agent: connects, says hello, sends its schema and then built frames, counts what is acknowledged. It comes back
// after a broken connection by the rule of the real agent.
import { connect as connectPlain, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { PROTOCOL_VERSION, type Hello } from '#agent/contract';
import { KEY_EVERY, type BuiltFrames } from './load-agents-frames.ts';
import type { LoadCounts } from './load-agents-counts.ts';
import { ServerMessages, textFrame, type FrameWire, type WireForm } from './load-agents-wire.ts';

export interface Target {
  readonly form: WireForm;
  readonly host: string;
  readonly port: number;
  /** PEM of the certificate that signs the server's; without it there is no TLS. */
  readonly ca?: string;
}

export interface AgentContext {
  readonly target: Target;
  readonly frames: BuiltFrames;
  readonly wire: FrameWire;
  readonly counts: LoadCounts;
  /** Say hello as soon as the connection is open. */
  greets: boolean;
  /** Come back when the connection breaks. */
  readonly returns: boolean;
}

const FIRST_BACKOFF_MS = 2000;
const LAST_BACKOFF_MS = 20_000;
const HELLO_TIMEOUT_MS = 10_000;
const REMEMBERED = 128;
/** All connections of a process read into one buffer: each read is dealt with before the next. */
const readBuffer = Buffer.alloc(65_536);
const upgradeEnd = '\r\n\r\n';
const accepted = 'HTTP/1.1 101';

export class LoadAgent {
  readonly name: string;
  readonly #context: AgentContext;
  readonly #instance: string;
  #state: 'closed' | 'connecting' | 'upgrading' | 'open' | 'greeting' | 'live' = 'closed';
  #socket: Socket | undefined;
  #messages = new ServerMessages();
  #attempts = 0;
  #timer: NodeJS.Timeout | undefined;
  #seq = 0;
  #acknowledged = 0;
  readonly #sentMs = new Float64Array(REMEMBERED);
  #index: number;
  #keyDue = true;

  constructor(context: AgentContext, name: string) {
    this.#context = context;
    this.name = name;
    this.#instance = `load-${process.pid}-${name}`;
    // Key frames of different agents come at different times.
    this.#index = Math.floor(Math.random() * context.frames.bodies.length);
  }

  get isLive(): boolean {
    return this.#state === 'live';
  }
  get isOpen(): boolean {
    return this.#state === 'live' || this.#state === 'open' || this.#state === 'greeting';
  }

  connect(): void {
    const { host, port, ca, form } = this.#context.target;
    this.#state = 'connecting';
    this.#messages = new ServerMessages();
    const opened = (): void => {
      this.#opened();
    };
    const socket =
      ca === undefined
        ? connectPlain(
            { host, port, noDelay: true, onread: { buffer: readBuffer, callback: (count) => this.#read(count) } },
            opened,
          )
        : connectTls({ host, port, ca, servername: 'localhost', ALPNProtocols: ['http/1.1'] }, opened).setNoDelay(true);
    if (ca !== undefined)
      socket.on('data', (chunk: Buffer) => {
        this.#take(chunk);
      });
    socket.on('error', (error: NodeJS.ErrnoException) => {
      this.#context.counts.failed(error.code ?? error.message);
    });
    socket.on('close', () => {
      this.#closed(socket);
    });
    this.#socket = socket;
    if (form === 'tcp') this.#messages = new ServerMessages('fours');
  }

  greet(): void {
    if (this.#state !== 'open') return;
    const { form } = this.#context.target;
    if (form === 'ws' || form === 'tcp') {
      this.#begin();
      return;
    }
    this.#state = 'greeting';
    this.#write(textFrame(`42/agents,0${JSON.stringify(['hello', this.#hello()])}`));
    this.#plan(HELLO_TIMEOUT_MS, () => this.#socket?.destroy());
  }

  /** One sample is due. */
  sample(nowMs: number): void {
    if (this.#state !== 'live') return;
    if (this.#keyDue)
      this.#index = (Math.ceil(this.#index / KEY_EVERY) * KEY_EVERY) % this.#context.frames.bodies.length;
    this.#keyDue = false;
    this.#seq++;
    for (const bytes of this.#context.wire.writes({ index: this.#index, seq: this.#seq, timeMs: Date.now() }))
      this.#write(bytes);
    this.#index = (this.#index + 1) % this.#context.frames.bodies.length;
    this.#sentMs[this.#seq % REMEMBERED] = nowMs;
    this.#context.counts.sent++;
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#socket?.removeAllListeners('close');
    this.#socket?.destroy();
  }

  #opened(): void {
    const { form, host, port } = this.#context.target;
    if (form === 'tcp') {
      this.#isOpen();
      return;
    }
    this.#state = 'upgrading';
    const path = form === 'ws' ? '/' : '/socket.io/?EIO=4&transport=websocket';
    this.#socket?.write(
      `GET ${path} HTTP/1.1\r\nHost: ${host}:${port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
        `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: d2h5aWRsZSBsb2FkIGFnZQ==\r\n\r\n`,
    );
  }

  #read(count: number): boolean {
    this.#take(readBuffer.subarray(0, count));
    return true;
  }

  #take(chunk: Buffer): void {
    let bytes = chunk;
    if (this.#state === 'upgrading') {
      const end = chunk.indexOf(upgradeEnd);
      const status = chunk.toString('latin1', 0, accepted.length);
      if (status !== accepted || end < 0) {
        this.#context.counts.failed(status);
        this.#socket?.destroy();
        return;
      }
      this.#state = 'connecting';
      if (this.#context.target.form === 'ws') this.#isOpen();
      bytes = chunk.subarray(end + upgradeEnd.length);
    }
    this.#messages.take(bytes, {
      text: (text) => {
        this.#text(text);
      },
      four: (seq) => {
        this.#acknowledge(seq);
      },
    });
  }

  #text(text: string): void {
    if (text.startsWith('42/agents,["ack",')) this.#acknowledge(Number(text.slice(17, -1)));
    else if (text === '2') this.#write(pong);
    else if (text.startsWith('0{')) this.#write(join);
    else if (text.startsWith('40/agents')) this.#isOpen();
    else if (text.startsWith('43/agents,0[{"ok":true')) this.#begin();
    else if (text.startsWith('42/agents,["resync"')) {
      this.#context.counts.resyncs++;
      this.#sendSchema();
    } else this.#context.counts.failed(text.slice(0, 100));
  }

  #isOpen(): void {
    this.#state = 'open';
    if (this.#context.greets) this.greet();
  }

  #begin(): void {
    clearTimeout(this.#timer);
    this.#state = 'live';
    this.#attempts = 0;
    this.#acknowledged = this.#seq;
    this.#sendSchema();
  }

  #sendSchema(): void {
    const { form } = this.#context.target;
    this.#keyDue = true;
    this.#acknowledged = this.#seq;
    if (form === 'socket.io') this.#write(schemaFrame(this.#context.frames));
  }

  #acknowledge(seq: number): void {
    const { counts } = this.#context;
    const nowMs = performance.now();
    for (let one = Math.max(this.#acknowledged, seq - REMEMBERED) + 1; one <= seq; one++) {
      counts.acknowledged++;
      counts.ackMs.record(nowMs - (this.#sentMs[one % REMEMBERED] ?? nowMs));
    }
    this.#acknowledged = Math.max(this.#acknowledged, seq);
  }

  #closed(socket: Socket): void {
    if (this.#socket !== socket) return;
    this.#socket = undefined;
    if (this.#state === 'live') this.#context.counts.lost++;
    this.#state = 'closed';
    clearTimeout(this.#timer);
    if (!this.#context.returns) return;
    this.#plan(this.#backoffMs(), () => {
      this.connect();
    });
  }

  #plan(delayMs: number, call: () => void): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(call, delayMs);
  }

  /** agent/uplink's rule: exponential with full jitter. */
  #backoffMs(): number {
    const widthMs = Math.min(LAST_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** this.#attempts++);
    return widthMs * (0.1 + 0.9 * Math.random());
  }

  #write(bytes: Buffer): void {
    this.#socket?.write(bytes);
  }

  #hello(): Hello {
    const nowMs = Date.now();
    return {
      protocol: PROTOCOL_VERSION,
      node: this.name,
      instance: this.#instance,
      agentVersion: 'load',
      intervalMs: 1000,
      timeMs: nowMs,
      axisMs: nowMs,
      inventory,
    };
  }
}

const pong = textFrame('3');
const join = textFrame('40/agents,');
const inventory: Hello['inventory'] = {
  hostname: 'load',
  kernel: '6.1.0',
  os: 'Debian GNU/Linux 12',
  arch: 'x64',
  product: 'HGX H100',
  vendor: 'NVIDIA',
  bootId: '6f1c2f0e-3a51-4f0b-9f5e-0c6f7d1f2a3b',
  cpuModel: 'AMD EPYC 9654',
  cpus: 192,
  memoryBytes: 2e12,
};

let encodedSchema: Buffer | undefined;
function schemaFrame({ schema }: BuiltFrames): Buffer {
  return (encodedSchema ??= textFrame(`42/agents,${JSON.stringify(['schema', schema])}`));
}
