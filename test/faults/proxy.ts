// The network between agents and a server, with faults: a TCP proxy that passes bytes, holds them, or cuts connections.
import { once } from 'node:events';
import { createServer, connect, type Server, type Socket } from 'node:net';

export type Weather =
  | 'pass'
  /** Nothing arrives in either direction and nobody is told: a pulled cable. */
  | 'blackhole'
  /** What agents send arrives, what the server answers does not. */
  | 'no_answers'
  /** New connections are refused, old ones are reset. */
  | 'reset';

interface Pair {
  readonly client: Socket;
  readonly server: Socket;
}

export class Proxy {
  readonly #listener: Server;
  readonly #pairs = new Set<Pair>();
  #weather: Weather = 'pass';
  readonly #targetPort: number;

  private constructor(targetPort: number) {
    this.#targetPort = targetPort;
    this.#listener = createServer((client) => {
      this.#accept(client);
    });
  }

  static async before(targetPort: number): Promise<Proxy> {
    const proxy = new Proxy(targetPort);
    proxy.#listener.listen(0, '127.0.0.1');
    await once(proxy.#listener, 'listening');
    return proxy;
  }

  get url(): string {
    const address = this.#listener.address();
    if (address === null || typeof address === 'string') throw new Error('the proxy does not listen');
    return `http://127.0.0.1:${address.port}`;
  }

  set weather(weather: Weather) {
    this.#weather = weather;
    for (const pair of this.#pairs) this.#apply(pair);
  }

  async close(): Promise<void> {
    for (const { client, server } of this.#pairs) {
      client.destroy();
      server.destroy();
    }
    this.#listener.close();
    await once(this.#listener, 'close');
  }

  #accept(client: Socket): void {
    client.on('error', () => undefined);
    if (this.#weather === 'reset') {
      client.resetAndDestroy();
      return;
    }
    const server = connect(this.#targetPort, '127.0.0.1');
    const pair = { client, server };
    this.#pairs.add(pair);
    server.on('error', () => client.destroy());
    const end = (): void => {
      this.#pairs.delete(pair);
      // Behind a pulled cable nobody hears that the other side is gone.
      if (this.#weather === 'blackhole') return;
      client.destroy();
      server.destroy();
    };
    client.on('close', end);
    server.on('close', end);
    this.#apply(pair);
  }

  #apply({ client, server }: Pair): void {
    switch (this.#weather) {
      case 'pass':
        // Piped twice is sent twice.
        client.unpipe(server);
        server.unpipe(client);
        client.pipe(server);
        server.pipe(client);
        client.resume();
        server.resume();
        return;
      case 'blackhole':
        hold(client, server);
        hold(server, client);
        return;
      case 'no_answers':
        hold(server, client);
        return;
      case 'reset':
        client.resetAndDestroy();
        server.resetAndDestroy();
    }
  }
}

function hold(from: Socket, to: Socket): void {
  from.unpipe(to);
  from.pause();
}
