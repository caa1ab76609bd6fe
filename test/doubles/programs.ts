// Stand-in programs of a few lines of shell, named by what they do.
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const bodies = {
  greets: 'echo "$LC_ALL:$1"; echo oops >&2; exit 3',
  garbled: String.raw`printf 'gr\303\274\303'; printf '\237e \377\n'`,
  floods: 'while :; do echo 0123456789012345678901234567890123456789; done',
  'sleeps-for-ever': 'echo begun; exec sleep 1000',
  'ignores-sigterm': 'trap "" TERM INT HUP; echo begun; while :; do sleep 1; done',
  'dies-halfway': String.raw`printf 'one\ntwo\nthr'; kill -SEGV $$`,
  'leaves-grandchild': 'sleep 1000 & echo $! >"$1"; echo done',
  'starts-grandchild': 'sleep 1000 & echo $! >"$1"; wait',
  'prints-lines': String.raw`printf 'one\r\ntwo\n'; printf 'thr'; printf 'ee\nlast'`,
  'prints-long-line': 'echo short; head -c 3000 /dev/zero | tr "\\0" x; echo; echo after; exec sleep 1000',
  'shows-environment': 'env',
  'reads-fifo': 'read line <"$1"',
} as const;
export type ProgramName = keyof typeof bodies;

export interface Programs {
  readonly directory: string;
  path(name: ProgramName): string;
  remove(): void;
}

export function writePrograms(): Programs {
  const directory = mkdtempSync(join(tmpdir(), 'whyidle-programs-'));
  for (const [name, body] of Object.entries(bodies)) {
    const file = join(directory, name);
    writeFileSync(file, `#!/bin/sh\n${body}\n`);
    chmodSync(file, 0o755);
  }
  return {
    directory,
    path: (name) => join(directory, name),
    remove: () => {
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** Polls until it is true: for processes that others end. */
export async function eventually(what: string, isTrue: () => boolean, timeoutMs = 5000): Promise<void> {
  const endMs = performance.now() + timeoutMs;
  while (!isTrue()) {
    if (performance.now() > endMs) throw new Error(`not within ${timeoutMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

export function isRunning(pid: number): boolean {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return !/^[ZX]/.test(text.slice(text.lastIndexOf(')') + 2));
  } catch {
    return false;
  }
}

export function pidIn(file: string): number {
  return existsSync(file) ? Number(readFileSync(file, 'utf8')) : 0;
}
