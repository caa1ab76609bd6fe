// The command `simulate` as a process: its agents report, it stops at once, it leaves nothing behind, it refuses nonsense.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type Server as HttpServer } from 'node:http';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Server } from 'socket.io';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { FrameDecoder, type Hello, type SchemaMessage } from '#agent/contract';

const program = fileURLToPath(new URL('../../../agent/main.ts', import.meta.url));
const directory = mkdtempSync(join(tmpdir(), 'whyidle-simulate-'));
const children: ChildProcess[] = [];
let http: HttpServer;
let sockets: Server;
let address: string;

/** What one agent has said. */
interface Heard {
  hello: Hello;
  frames: number;
  /** Label values of the GPUs whose load has a value, of the newest frame. */
  gpus: number;
}
const heard = new Map<string, Heard>();

beforeAll(async () => {
  http = createServer().listen(0, '127.0.0.1');
  await once(http, 'listening');
  const bound = http.address();
  address = `http://127.0.0.1:${typeof bound === 'object' && bound ? bound.port : 0}`;
  sockets = new Server(http, { transports: ['websocket'], serveClient: false });
  sockets.of('/agents').on('connection', (socket) => {
    let decoder: FrameDecoder | undefined;
    let schema: SchemaMessage | undefined;
    let own: Heard | undefined;
    socket.on('hello', (hello: Hello, reply: (answer: unknown) => void) => {
      own = { hello, frames: 0, gpus: 0 };
      heard.set(hello.node, own);
      reply({ ok: true, serverTimeMs: Date.now() });
    });
    socket.on('schema', (message: SchemaMessage) => {
      schema = message;
      decoder = new FrameDecoder(message.series.length);
    });
    socket.on('frame', (bytes: Uint8Array) => {
      if (!own || !decoder || !schema) return;
      const head = decoder.apply(new Uint8Array(bytes));
      own.frames++;
      own.gpus = schema.series.filter(
        ([id], index) => id === 'gpu_utilization_ratio' && decoder?.states[index] === 0,
      ).length;
      socket.emit('ack', head.seq);
    });
  });
});
afterEach(async () => {
  heard.clear();
  for (const child of children.splice(0)) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
});
afterAll(async () => {
  await sockets.close();
  rmSync(directory, { recursive: true, force: true });
});

interface Run {
  readonly child: ChildProcess;
  readonly errors: () => string;
}

function simulate(...args: readonly string[]): Run {
  const child = spawn(process.execPath, [program, 'simulate', ...args], { stdio: ['ignore', 'ignore', 'pipe'] });
  children.push(child);
  let errors = '';
  child.stderr.on('data', (chunk: Buffer) => {
    errors += chunk.toString();
  });
  return { child, errors: () => errors };
}

async function until(what: string, met: () => boolean): Promise<void> {
  const deadline = performance.now() + 15_000;
  while (!met()) {
    if (performance.now() > deadline) throw new Error(`${what} did not happen within 15 s`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Processes whose parent is gone or the simulator, and that read a pipe below the directory. */
function readersBelow(path: string): readonly string[] {
  return readdirSync('/proc').filter((pid) => {
    if (!/^\d+$/.test(pid)) return false;
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'latin1').includes(`${path}/`) && Number(pid) !== process.pid;
    } catch {
      return false; // ended meanwhile
    }
  });
}

describe('the simulated cluster', () => {
  test.each(['SIGTERM', 'SIGINT'] as const)(
    'reports through real agents and stops at %s, leaving nothing',
    async (signal) => {
      const below = join(directory, signal);
      const { child, errors } = simulate('--server', address, '--nodes', '3', '--interval', '250ms', '--dir', below);
      await until(
        'readings of three nodes',
        () => heard.size === 3 && [...heard.values()].every((node) => node.gpus === 8),
      );
      expect([...heard.keys()].toSorted()).toEqual(['node01', 'node02', 'node03']);
      expect(heard.get('node01')?.hello).toMatchObject({
        intervalMs: 250,
        inventory: { hostname: 'node01', product: 'HGX-1', cpus: 80, kernel: '5.15.0-91-generic' },
      });
      expect(readersBelow(below).length).toBeGreaterThan(2);
      const started = performance.now();
      child.kill(signal);
      const [code] = (await once(child, 'exit')) as [number | null]; // the event's first argument
      // It ends itself after two seconds whatever hangs; on a busy machine the news of it takes a while.
      expect(performance.now() - started).toBeLessThan(5000);
      expect(code).toBe(0);
      expect(existsSync(below)).toBe(false);
      await until('the end of every reader', () => readersBelow(below).length === 0);
      expect(
        errors()
          .split('\n')
          .filter((line) => line.includes(' warn ')),
      ).toEqual([]);
    },
  );

  test('a simulator whose starter was killed ends by itself', async () => {
    const below = join(directory, 'orphan');
    // The trap keeps the shell from becoming the program.
    const line = `trap : TERM; "$0" "$@" & wait`;
    const args = [program, 'simulate', '--server', address, '--nodes', '1', '--dir', below];
    const shell = spawn('/bin/sh', ['-c', line, process.execPath, ...args], { stdio: 'ignore' });
    children.push(shell);
    await until('the run', () => heard.has('node01'));
    shell.kill('SIGKILL');
    await until('the end of the simulator', () => !existsSync(below));
  });

  test('what a killed run left in the directory is removed by the next', async () => {
    const below = join(directory, 'killed');
    const first = simulate('--server', address, '--nodes', '1', '--dir', below);
    await until('the first run', () => heard.has('node01'));
    first.child.kill('SIGKILL');
    await once(first.child, 'exit');
    expect(existsSync(below)).toBe(true);
    const left = readersBelow(below);
    heard.clear();
    const second = simulate('--server', address, '--nodes', '1', '--dir', below);
    await until('the second run', () => heard.has('node01'));
    await until('the end of the first run’s readers', () => !readersBelow(below).some((pid) => left.includes(pid)));
    second.child.kill('SIGTERM');
    await once(second.child, 'exit');
    expect(existsSync(below)).toBe(false);
  });
});

describe('what is refused', () => {
  test.each([
    [['--nodes', '3'], 64, 'needs --server'],
    [['--server', 'nowhere'], 64, 'expected a URL'],
    [['--server', 'http://127.0.0.1:1', '--nodes', '17'], 64, 'at most 16'],
    [['--server', 'http://127.0.0.1:1', '--sede', '3'], 64, 'did you mean --seed'],
    [['--server', 'http://127.0.0.1:1', 'now'], 64, 'takes no now'],
    [['--server', 'http://127.0.0.1:1', '--dir', `${program}/below`], 2, 'cannot be written'],
  ] as const)('%j ends with %i', async (args, exitCode, message) => {
    const { child, errors } = simulate(...args);
    const [code] = (await once(child, 'close')) as [number | null]; // the event's first argument
    expect(code).toBe(exitCode);
    expect(errors()).toContain(message);
  });

  test('a directory with something in it is left alone', async () => {
    const below = join(directory, 'full');
    mkdirSync(below);
    writeFileSync(join(below, 'thesis.txt'), 'three years of work');
    const { child, errors } = simulate('--server', address, '--dir', below);
    const [code] = (await once(child, 'close')) as [number | null]; // the event's first argument
    expect(code).toBe(64);
    expect(errors()).toContain('is not empty');
    expect(readdirSync(below)).toEqual(['thesis.txt']);
  });
});
