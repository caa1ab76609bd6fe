// Which Node.js runs us: we need 24. An older one of the system starts the one that the package brought with it.
import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';

const NEEDS = 24;

export function isTooOld(version = process.versions.node): boolean {
  return Number(version.split('.')[0]) < NEEDS;
}

/** Runs the same command there and gives its exit code: 2 if there is none. */
export async function runOnOwnNode(from: string): Promise<number> {
  const node = findOwnNode(from);
  if (node === undefined) {
    process.stderr.write(`whyidle: Node.js ${NEEDS} or newer is needed, this is ${process.versions.node}\n`);
    return 2;
  }
  // The channel tells the program when we end, however that happens.
  const child = spawn(node, [...process.execArgv, ...process.argv.slice(1)], {
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
  });
  // A terminal interrupts both; whoever else interrupts us means what we started.
  process.on('SIGINT', () => {
    if (!process.stdin.isTTY) child.kill('SIGINT');
  });
  process.on('SIGTERM', () => child.kill('SIGTERM'));
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code) => {
      resolve(code ?? 2);
    });
  });
}

function findOwnNode(from: string): string | undefined {
  try {
    const file = join(dirname(createRequire(from).resolve('node/package.json')), 'bin/node');
    return existsSync(file) ? file : undefined;
  } catch {
    return undefined; // not installed with it
  }
}
