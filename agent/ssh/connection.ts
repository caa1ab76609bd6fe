// One SSH connection, perhaps through another host: pinned host key, deadlines, channels. RFC 4251 to 4254 by the package ssh2.
import type { Duplex } from 'node:stream';
import ssh2, { type Channel, type Client, type ConnectionError } from 'ssh2';
import { SshFailure } from './failure.ts';
import { fingerprintOf, signaturesOf, type HostKeyPin } from './host-key.ts';
import { readSecretFile } from './secret-file.ts';

export const CONNECT_MS = 10_000;
const KEEP_ALIVE_MS = 15_000;
const KEEP_ALIVES_MISSED = 2;

export interface SshTarget {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly keyFile: string | undefined;
  readonly passwordFile?: string | undefined;
  readonly hostKey: HostKeyPin;
  /** The host to go through. */
  readonly jump?: SshTarget | undefined;
}

export interface SshConnection {
  /**
   * Runs one command line in the login shell of the user. `attach` is called as soon as the channel is open: a short command
   * has often ended in the same packet, and a listener that came later would never hear of it.
   */
  exec<T>(command: string, attach: (channel: Channel) => T): Promise<T>;
  /** A terminal, for devices that have no commands but a dialogue. */
  shell<T>(attach: (channel: Channel) => T): Promise<T>;
  /** Called once when the connection is gone, also after `close`. */
  onClose(call: (why: SshFailure) => void): void;
  close(): void;
}

export interface ConnectOptions {
  readonly connectMs?: number;
  /** Ends the attempt; without it a stopped program would wait for it. */
  readonly signal?: AbortSignal | undefined;
}

/** Throws SshFailure. */
export async function connectSsh(
  target: SshTarget,
  { connectMs = CONNECT_MS, signal }: ConnectOptions = {},
): Promise<SshConnection> {
  const { jump } = target;
  if (!jump) return new Connection(await handshake(target, { connectMs, signal }));
  const first = await handshake(jump, { connectMs, signal });
  try {
    const sock = await openChannel(
      (done) => first.forwardOut('127.0.0.1', 0, target.host, target.port, done),
      (channel) => channel,
      connectMs,
    );
    return new Connection(await handshake(target, { connectMs, signal, sock }), first);
  } catch (error) {
    first.destroy();
    throw error;
  }
}

class Connection implements SshConnection {
  readonly #client: Client;
  readonly #jump: Client | undefined;
  readonly #listeners: ((why: SshFailure) => void)[] = [];
  #why: SshFailure | undefined;

  constructor(client: Client, jump?: Client) {
    this.#client = client;
    this.#jump = jump;
    const end = (why: SshFailure): void => {
      this.#end(why);
    };
    for (const one of jump ? [client, jump] : [client]) {
      one.on('error', (error: ConnectionError) => {
        end(new SshFailure('closed', error.message, { cause: error }));
      });
      one.on('close', () => {
        end(new SshFailure('closed', 'the connection was ended'));
      });
    }
  }

  exec<T>(command: string, attach: (channel: Channel) => T): Promise<T> {
    return this.#open((done) => this.#client.exec(command, done), attach);
  }

  shell<T>(attach: (channel: Channel) => T): Promise<T> {
    return this.#open((done) => this.#client.shell({ rows: 1000, cols: 250, term: 'dumb' }, done), attach);
  }

  onClose(call: (why: SshFailure) => void): void {
    if (this.#why) call(this.#why);
    else this.#listeners.push(call);
  }

  close(): void {
    this.#end(new SshFailure('closed', 'closed by us'));
  }

  #open<T>(start: (done: Done) => void, attach: (channel: Channel) => T): Promise<T> {
    if (this.#why) return Promise.reject(this.#why);
    return openChannel(start, attach, CONNECT_MS);
  }

  #end(why: SshFailure): void {
    if (this.#why) return;
    this.#why = why;
    // Not `end`: what hangs would not answer to a goodbye.
    this.#client.destroy();
    this.#jump?.destroy();
    for (const call of this.#listeners) call(why);
  }
}

type Done = (error: Error | undefined, channel: Channel) => void;

/** A channel that opens after the deadline is closed, not left behind. */
function openChannel<T>(start: (done: Done) => void, attach: (channel: Channel) => T, ms: number): Promise<T> {
  return new Promise((resolve, reject) => {
    let isLate = false;
    const deadline = setTimeout(() => {
      isLate = true;
      reject(new SshFailure('timed_out', `no channel within ${ms / 1000} s`));
    }, ms);
    const done: Done = (error, channel) => {
      clearTimeout(deadline);
      if (error) reject(new SshFailure('closed', `no channel: ${error.message}`, { cause: error }));
      else if (isLate) channel.close();
      else resolve(attach(channel));
    };
    try {
      start(done);
    } catch (error) {
      clearTimeout(deadline);
      reject(new SshFailure('closed', 'the connection is gone', { cause: error }));
    }
  });
}

interface HandshakeOptions {
  readonly connectMs: number;
  readonly signal: AbortSignal | undefined;
  /** Through which the host is reached, if not by itself. */
  readonly sock?: Duplex;
}

function handshake(target: SshTarget, { connectMs, signal, sock }: HandshakeOptions): Promise<Client> {
  const { host, port, user, keyFile, passwordFile, hostKey } = target;
  const secrets = {
    ...(keyFile === undefined ? {} : { privateKey: readSecretFile(keyFile) }),
    ...(passwordFile === undefined ? {} : { password: readSecretFile(passwordFile).toString('utf8').trim() }),
  };
  return new Promise((resolve, reject) => {
    const client = new ssh2.Client();
    let shown = '';
    const fail = (failure: SshFailure): void => {
      clearTimeout(deadline);
      signal?.removeEventListener('abort', giveUp);
      client.destroy();
      reject(failure);
    };
    const giveUp = (): void => {
      fail(new SshFailure('closed', 'given up by us'));
    };
    // ssh2's own deadline does not cover the time before its handshake.
    const deadline = setTimeout(() => {
      fail(new SshFailure('timed_out', `${host} did not answer within ${connectMs / 1000} s`));
    }, connectMs);
    signal?.addEventListener('abort', giveUp, { once: true });
    // Stays for ever: an error after the end of a connection must not end the program.
    client.on('error', (error: ConnectionError) => {
      fail(explain(error, shown, hostKey));
    });
    client.once('close', () => {
      fail(new SshFailure('closed', `${host} ended the connection before it was ready`));
    });
    client.once('ready', () => {
      clearTimeout(deadline);
      signal?.removeEventListener('abort', giveUp);
      client.removeAllListeners('close');
      resolve(client);
    });
    // Some devices know passwords by their dialogue only.
    client.on('keyboard-interactive', (...args: unknown[]) => {
      const [, , , prompts, answer] = args;
      if (typeof answer !== 'function') return;
      const count = Array.isArray(prompts) ? prompts.length : 0;
      Reflect.apply(answer, undefined, [Array.from({ length: count }, () => secrets.password ?? '')]);
    });
    try {
      client.connect({
        ...(sock ? { sock } : { host, port }),
        username: user,
        ...secrets,
        tryKeyboard: secrets.password !== undefined,
        readyTimeout: connectMs,
        keepaliveInterval: KEEP_ALIVE_MS,
        keepaliveCountMax: KEEP_ALIVES_MISSED,
        hostVerifier: (key) => {
          shown = fingerprintOf(key);
          return shown === hostKey.fingerprint;
        },
        ...(hostKey.algorithm === undefined ? {} : { algorithms: { serverHostKey: signaturesOf(hostKey.algorithm) } }),
      });
    } catch (error) {
      // A key file that holds no key, for example.
      fail(new SshFailure('auth', error instanceof Error ? error.message : String(error), { cause: error }));
    }
  });
}

function explain(error: ConnectionError, shown: string, pinned: HostKeyPin): SshFailure {
  const { level, message } = error;
  if (shown !== '' && shown !== pinned.fingerprint)
    return new SshFailure('host_key', `its host key is ${shown}, not ${pinned.fingerprint}`, { cause: error });
  if (/no matching host key/i.test(message))
    return new SshFailure('host_key', `it has no host key of the kind ${pinned.algorithm ?? ''}`, { cause: error });
  if (level === 'client-authentication')
    return new SshFailure('auth', 'the user, key or password is refused', { cause: error });
  if (level === 'client-timeout') return new SshFailure('timed_out', message, { cause: error });
  return new SshFailure(level === 'client-socket' ? 'unreachable' : 'closed', message, { cause: error });
}
