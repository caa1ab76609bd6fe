// What of the package ssh2 1.17 is used here; it brings no types of its own. Authority: its README.
declare module 'ssh2' {
  import type { EventEmitter } from 'node:events';
  import type { Duplex, Readable } from 'node:stream';

  export interface Channel extends Duplex {
    readonly stderr: Readable;
    /** Sends a POSIX signal by its name without SIG. */
    signal(name: string): void;
    close(): void;
  }

  /** As ssh2 tells failures apart. */
  export interface ConnectionError extends Error {
    readonly level?: string;
    readonly code?: string;
  }

  export interface ConnectConfig {
    readonly host?: string;
    readonly port?: number;
    readonly sock?: Duplex;
    readonly username: string;
    readonly privateKey?: Buffer;
    readonly password?: string;
    readonly tryKeyboard?: boolean;
    readonly readyTimeout?: number;
    readonly keepaliveInterval?: number;
    readonly keepaliveCountMax?: number;
    readonly hostVerifier: (key: Buffer) => boolean;
    readonly algorithms?: { readonly serverHostKey?: readonly string[] };
  }

  export class Client extends EventEmitter {
    connect(config: ConnectConfig): this;
    exec(command: string, done: (error: Error | undefined, channel: Channel) => void): this;
    shell(
      window: { readonly rows: number; readonly cols: number; readonly term: string },
      done: (error: Error | undefined, channel: Channel) => void,
    ): this;
    forwardOut(
      fromHost: string,
      fromPort: number,
      toHost: string,
      toPort: number,
      done: (error: Error | undefined, channel: Channel) => void,
    ): this;
    end(): this;
    destroy(): this;
  }

  /** For stand-ins of tests. */
  export interface AuthContext {
    readonly method: string;
    readonly username: string;
    readonly password?: string;
    accept(): void;
    reject(methods?: readonly string[]): void;
  }

  export interface ServerSession extends EventEmitter {
    on(event: 'pty' | 'signal', listener: (accept: (() => void) | undefined) => void): this;
    on(event: 'shell', listener: (accept: () => Channel) => void): this;
    on(event: 'exec', listener: (accept: () => Channel, reject: () => void, info: { command: string }) => void): this;
  }

  export interface ServerConnection extends EventEmitter {
    on(event: 'authentication', listener: (context: AuthContext) => void): this;
    on(event: 'session', listener: (accept: () => ServerSession) => void): this;
    on(event: 'ready' | 'close' | 'end', listener: () => void): this;
    on(event: 'error', listener: (error: Error) => void): this;
    end(): void;
  }

  export class Server extends EventEmitter {
    constructor(
      config: { readonly hostKeys: readonly (string | Buffer)[]; readonly banner?: string },
      onConnection: (client: ServerConnection) => void,
    );
    listen(port: number, host: string, done: () => void): this;
    address(): { readonly port: number };
    close(done?: () => void): this;
  }

  export const utils: {
    generateKeyPairSync(type: 'ed25519'): { readonly private: string; readonly public: string };
    parseKey(text: string | Buffer): { getPublicSSH(): Buffer; readonly type: string } | Error;
  };

  const ssh2: { Client: typeof Client; Server: typeof Server; utils: typeof utils };
  // The package is CommonJS; of its names only some can be imported one by one.
  // eslint-disable-next-line no-restricted-syntax -- the package has a default export alone
  export default ssh2;
}
