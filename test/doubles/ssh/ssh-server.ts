// An SSH server in this process: for hosts that hang, refuse, hang up or talk nonsense, which a real sshd never does on demand.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import ssh2, { type AuthContext, type Channel, type ServerConnection, type ServerSession } from 'ssh2';
import type { SshTarget } from '../../../agent/ssh/connection.ts';
import { fingerprintOf } from '../../../agent/ssh/host-key.ts';

export interface StandInOptions {
  readonly authenticate?: (context: AuthContext) => void;
  readonly onExec?: (command: string, channel: Channel) => void;
  readonly onShell?: (channel: Channel) => void;
}

export interface StandIn {
  readonly target: SshTarget;
  /** Connections that passed the handshake and the login. */
  readonly logins: number;
  /** Tries to log in. */
  readonly attempts: number;
  /** Ends every connection, as a network that breaks. */
  readonly cut: () => void;
  readonly stop: () => Promise<void>;
}

const runInShell = (command: string, channel: Channel): void => {
  const child = spawn('/bin/sh', ['-c', command]);
  child.stdin.on('error', () => undefined);
  channel.on('error', () => undefined);
  channel.pipe(child.stdin);
  child.stdout.pipe(channel, { end: false });
  child.stderr.pipe(channel.stderr as unknown as NodeJS.WritableStream, { end: false }); // on the server's side it is written to
  child.once('close', (code) => {
    exitOf(channel)(code ?? 255);
    channel.end();
  });
  channel.once('close', () => {
    child.kill('SIGKILL');
  });
};

/** ssh2 makes a key now and then that it cannot read itself. */
function makeKey(): ReturnType<typeof ssh2.utils.generateKeyPairSync> {
  for (;;) {
    const key = ssh2.utils.generateKeyPairSync('ed25519');
    if (!(ssh2.utils.parseKey(key.private) instanceof Error)) return key;
  }
}

export async function startSshServer(options: StandInOptions = {}): Promise<StandIn> {
  const directory = mkdtempSync(join(tmpdir(), 'whyidle-ssh-'));
  const host = makeKey();
  const keyFile = join(directory, 'key');
  writeFileSync(keyFile, makeKey().private, { mode: 0o600 });
  const clients = new Set<ServerConnection>();
  const counts = { logins: 0, attempts: 0 };
  const server = new ssh2.Server({ hostKeys: [host.private] }, (client) => {
    clients.add(client);
    client.on('error', () => undefined);
    client.on('close', () => {
      clients.delete(client);
    });
    client.on('authentication', (context) => {
      counts.attempts++;
      if (options.authenticate) options.authenticate(context);
      else if (context.method === 'none') context.reject(['publickey']);
      else context.accept();
    });
    client.on('ready', () => {
      counts.logins++;
    });
    client.on('session', (accept) => {
      serve(accept(), options);
    });
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const public_ = ssh2.utils.parseKey(host.public);
  if (public_ instanceof Error) throw public_;
  const cut = (): void => {
    for (const client of clients) client.end();
  };
  return {
    target: {
      ...{ host: '127.0.0.1', port: server.address().port, user: 'whyidle', keyFile },
      hostKey: { fingerprint: fingerprintOf(public_.getPublicSSH()), algorithm: undefined },
    },
    get logins() {
      return counts.logins;
    },
    get attempts() {
      return counts.attempts;
    },
    cut,
    stop: async () => {
      cut();
      await new Promise<void>((resolve) => {
        server.close(resolve);
      });
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

function serve(session: ServerSession, { onExec = runInShell, onShell }: StandInOptions): void {
  session.on('pty', (accept) => {
    accept?.();
  });
  session.on('exec', (accept, _, { command }) => {
    onExec(command, accept());
  });
  if (onShell)
    session.on('shell', (accept) => {
      onShell(accept());
    });
  // What kills a program there: the channel is closed right after it.
  session.on('signal', (accept) => {
    accept?.();
  });
}

/** The server's side of a channel can tell an exit code. */
function exitOf(channel: Channel): (code: number) => void {
  return (code) => {
    if ('exit' in channel && typeof channel.exit === 'function') Reflect.apply(channel.exit, channel, [code]);
  };
}
