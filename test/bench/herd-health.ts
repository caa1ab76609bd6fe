// How long a server keeps a simple question waiting: /healthz every 20 ms over a connection that stays.
import { once } from 'node:events';
import { Agent as PlainAgent, get as getPlain, type IncomingMessage } from 'node:http';
import { Agent as SecureAgent, get as getSecure } from 'node:https';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { Histogram } from './load-agents-histogram.ts';

const EVERY_MS = 20;

export interface Asked {
  readonly port: number;
  readonly ca?: string;
}

export interface Answers {
  readonly asked: number;
  readonly longestMs: number;
  readonly p99Ms: number;
  /** For so long the asking process itself did nothing. */
  readonly ownDelayMs: number;
}

export class HealthWatch {
  readonly #server: Asked;
  readonly #agent: PlainAgent;
  readonly #times = new Histogram();
  readonly #own = monitorEventLoopDelay({ resolution: 5 });
  #asked = 0;
  #longestMs = 0;
  #isStopping = false;
  #running: Promise<void> = Promise.resolve();

  private constructor(server: Asked) {
    this.#server = server;
    const options = { keepAlive: true, maxSockets: 1 };
    this.#agent = server.ca === undefined ? new PlainAgent(options) : new SecureAgent(options);
  }

  static start(server: Asked): HealthWatch {
    const watch = new HealthWatch(server);
    watch.#own.enable();
    watch.#running = watch.#ask();
    return watch;
  }

  static async of(server: Asked, ms: number): Promise<Answers> {
    const watch = HealthWatch.start(server);
    await sleep(ms);
    return watch.stop();
  }

  static async page(server: Asked, path: string): Promise<string> {
    const watch = new HealthWatch(server);
    const text = await watch.#get(path);
    watch.#agent.destroy();
    return text;
  }

  async stop(): Promise<Answers> {
    this.#isStopping = true;
    await this.#running;
    this.#own.disable();
    this.#agent.destroy();
    const ownDelayMs = this.#own.max / 1e6;
    return { asked: this.#asked, longestMs: this.#longestMs, p99Ms: this.#times.quantile(0.99), ownDelayMs };
  }

  async #ask(): Promise<void> {
    // The first one pays for the connection.
    await this.#get('/healthz');
    while (!this.#isStopping) {
      const startMs = performance.now();
      await this.#get('/healthz');
      const ms = performance.now() - startMs;
      this.#asked++;
      this.#times.record(ms);
      this.#longestMs = Math.max(this.#longestMs, ms);
      await sleep(Math.max(0, EVERY_MS - ms));
    }
  }

  async #get(path: string): Promise<string> {
    const { port, ca } = this.#server;
    const options = { host: '127.0.0.1', port, path, agent: this.#agent };
    const request = ca === undefined ? getPlain(options) : getSecure({ ...options, ca });
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    let text = '';
    for await (const chunk of response) text += String(chunk);
    return text;
  }
}
