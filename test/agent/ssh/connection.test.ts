// Connections that must not come about, and how each is told: nothing is sent to a host whose key is another one.
import { chmodSync } from 'node:fs';
import { once } from 'node:events';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { connectSsh } from '../../../agent/ssh/connection.ts';
import { RemoteCommands } from '../../../agent/ssh/commands.ts';
import { startSshServer, type StandIn, type StandInOptions } from '../../doubles/ssh/ssh-server.ts';

let host: StandIn | undefined;
let silent: Server | undefined;
afterEach(async () => {
  await host?.stop();
  silent?.close();
  host = silent = undefined;
});

async function start(options: StandInOptions = {}): Promise<StandIn> {
  host = await startSshServer(options);
  return host;
}

describe('a connection', () => {
  it('runs a command', async () => {
    const { target } = await start();
    const connection = await connectSsh(target);
    const ended = await connection.exec('echo out; echo err >&2; exit 3', (channel) => {
      const printed: string[] = [];
      channel.on('data', (chunk: Buffer) => printed.push(chunk.toString()));
      return new Promise((resolve) => {
        channel.once('close', (code: unknown) => {
          resolve([printed.join(''), code]);
        });
      });
    });
    expect(ended).toEqual(['out\n', 3]);
    connection.close();
  });

  it('is refused where the host key is another one, before anybody logs in', async () => {
    const { target } = await start();
    const other = { ...target, hostKey: { fingerprint: `SHA256:${'A'.repeat(43)}`, algorithm: undefined } };
    await expect(connectSsh(other)).rejects.toMatchObject({
      kind: 'host_key',
      message: `its host key is ${target.hostKey.fingerprint}, not SHA256:${'A'.repeat(43)}`,
    });
    expect(host?.attempts).toBe(0);
  });

  it('is refused where the host has no key of the pinned kind', async () => {
    const { target } = await start();
    const other = { ...target, hostKey: { ...target.hostKey, algorithm: 'ssh-rsa' } };
    await expect(connectSsh(other)).rejects.toMatchObject({ kind: 'host_key' });
  });

  it('that may not log in', async () => {
    const { target } = await start({
      authenticate: (context) => {
        context.reject(['publickey']);
      },
    });
    await expect(connectSsh(target)).rejects.toMatchObject({ kind: 'auth' });
  });

  it('with a key file that others can read, or that is none', async () => {
    const { target } = await start();
    chmodSync(target.keyFile ?? '', 0o644);
    await expect(connectSsh(target)).rejects.toMatchObject({ kind: 'auth', message: /chmod 600/ });
    await expect(connectSsh({ ...target, keyFile: '/nowhere/key' })).rejects.toMatchObject({ kind: 'auth' });
    expect(host?.attempts).toBe(0);
  });

  it('to nobody', async () => {
    const { target } = await start();
    await host?.stop();
    host = undefined;
    await expect(connectSsh({ ...target, keyFile: undefined })).rejects.toMatchObject({ kind: 'unreachable' });
  });

  it('to somebody who says nothing', async () => {
    const { target } = await start();
    silent = createServer().listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const { port } = silent.address() as AddressInfo; // a TCP server has an address of this form
    await expect(connectSsh({ ...target, port }, { connectMs: 50 })).rejects.toMatchObject({ kind: 'timed_out' });
  });

  it('is given up at once when that is wanted', async () => {
    const { target } = await start();
    silent = createServer().listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const { port } = silent.address() as AddressInfo; // a TCP server has an address of this form
    const stopping = new AbortController();
    const failed = expect(connectSsh({ ...target, port }, { signal: stopping.signal })).rejects.toMatchObject({
      message: 'given up by us',
    });
    stopping.abort();
    await failed;
  });

  it('tells once that it is gone', async () => {
    const { target } = await start();
    const connection = await connectSsh(target);
    const gone = new Promise((resolve) => {
      connection.onClose(resolve);
    });
    host?.cut();
    await expect(gone).resolves.toMatchObject({ kind: 'closed' });
    await expect(connection.exec('true', () => undefined)).rejects.toMatchObject({ kind: 'closed' });
  });
});

describe('programs of another host', () => {
  const request = { kind: 'test', timeoutMs: 5000 };

  async function commands(): Promise<RemoteCommands> {
    const { target } = host ?? (await start());
    const runner = new RemoteCommands();
    runner.use(await connectSsh(target));
    return runner;
  }

  it('get their arguments as they are', async () => {
    const runner = await commands();
    const args = [String.raw`%s|`, "it's", '$HOME', '`id`', 'a b', '*'];
    await expect(runner.run({ ...request, file: 'printf', args })).resolves.toMatchObject({
      kind: 'done',
      exitCode: 0,
      stdout: "it's|$HOME|`id`|a b|*|",
    });
  });

  it('that are not there, too slow, too talkative', async () => {
    const runner = await commands();
    await expect(runner.run({ ...request, file: '/no/such', args: [] })).resolves.toMatchObject({
      kind: 'not_started',
      code: 'ENOENT',
    });
    await expect(runner.run({ ...request, file: 'sleep', args: ['100'], timeoutMs: 20 })).resolves.toEqual({
      kind: 'timed_out',
    });
    const flood = { ...request, file: 'head', args: ['-c', '100000', '/dev/zero'], maxBytes: 1000 };
    await expect(runner.run(flood)).resolves.toEqual({ kind: 'too_much_output' });
  });

  it('that print lines until they are stopped, or their connection is', async () => {
    const runner = await commands();
    const ends: unknown[] = [];
    const begin = (onLine: (line: string) => void): Promise<void> =>
      new Promise((resolve) => {
        const stream = runner.stream({
          ...{ kind: 'test', file: 'sh', args: ['-c', 'echo one; echo two; exec sleep 100'] },
          onLine: (line) => {
            onLine(line);
            if (line === 'two' && ends.length === 0) stream.stop();
            else if (line === 'two') host?.cut();
          },
          onEnd: ({ reason }) => {
            ends.push(reason);
            resolve();
          },
        });
      });
    const lines: string[] = [];
    await begin((line) => lines.push(line));
    await begin((line) => lines.push(line));
    expect(lines).toEqual(['one', 'two', 'one', 'two']);
    expect(ends).toEqual(['stopped', 'killed']);
  });

  it('are all killed at the end, and who waits for them is told', async () => {
    const runner = await commands();
    const lines: string[] = [];
    const ends: string[] = [];
    const answer = runner.run({ ...request, file: 'sleep', args: ['100'] });
    await new Promise<void>((resolve) => {
      runner.stream({
        ...{ kind: 'test', file: 'sh', args: ['-c', 'echo begun; exec sleep 100'] },
        onLine: (line) => {
          lines.push(line);
          resolve();
        },
        onEnd: ({ reason }) => {
          ends.push(reason);
        },
      });
    });
    runner.stopAll();
    await expect(answer).resolves.toEqual({ kind: 'killed', signal: 'SIGKILL' });
    expect([lines, ends]).toEqual([['begun'], ['killed']]);
  });

  it('cannot be started without a connection', async () => {
    await expect(new RemoteCommands().run({ ...request, file: 'true', args: [] })).resolves.toMatchObject({
      kind: 'not_started',
      code: 'ENOTCONN',
    });
  });
});
