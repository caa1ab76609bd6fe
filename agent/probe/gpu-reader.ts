// Child process: reads all GPUs through NVML and prints a line per tick. It alone calls into the driver, which may
// hang it or crash it; whoever started it watches that and ends it.
import { openNvml, LibraryError } from '../sources/nvml/library.ts';
import type { ErrorLine, ReaderOptions } from '../sources/nvml/lines.ts';
import { DriverGone, Reader } from '../sources/nvml/reader.ts';
import { monotonicMs } from '../sources/nvml/monotonic.ts';
import { watchXids } from '../sources/nvml/xids.ts';

/** Xids after which a GPU may be gone, or may be back. */
const LOOK_AFTER = new Set([79, 154]);

const parent = process.ppid;
const options = optionsOf(process.argv[2] ?? '');
process.stdout.on('error', () => {
  process.exit(0);
});

try {
  const nvml = await openNvml(options.library);
  const reader = new Reader(nvml, { ...options, monotonicMs });
  void watchXids({
    nvml,
    roster: reader.roster,
    tell: (line) => {
      print(JSON.stringify(line));
      if (LOOK_AFTER.has(line.xid)) reader.lookSoon();
    },
    wallMs: Date.now,
    pause,
  });
  await readForEver(reader);
} catch (error) {
  if (!(error instanceof LibraryError) && !(error instanceof DriverGone)) throw error;
  const line: ErrorLine = { error: error.reason, message: error.message };
  print(JSON.stringify(line), () => {
    process.exit(1);
  });
}

/** The first tick is now, the others at the time we were given; one that is missed is left out. */
async function readForEver(reader: Reader): Promise<never> {
  for (;;) {
    // Whoever waited for our lines is gone.
    if (process.ppid !== parent) process.exit(0);
    for (const line of reader.tick()) print(line);
    const { intervalMs, phaseMs } = options;
    const sinceTick = (((monotonicMs() - phaseMs) % intervalMs) + intervalMs) % intervalMs;
    await pause(intervalMs - sinceTick);
  }
}

/** A library may print without ending its line: ours begins with the end of that one. */
function print(line: string, whenWritten?: () => void): void {
  process.stdout.write(`\n${line}\n`, whenWritten);
}

function pause(waitMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, waitMs));
}

function optionsOf(argument: string): ReaderOptions {
  const given: unknown = JSON.parse(argument);
  if (
    typeof given !== 'object' ||
    given === null ||
    !('library' in given && typeof given.library === 'string') ||
    !('intervalMs' in given && typeof given.intervalMs === 'number' && given.intervalMs > 0) ||
    !('phaseMs' in given && typeof given.phaseMs === 'number') ||
    !('processes' in given && typeof given.processes === 'boolean')
  )
    throw new TypeError('usage: gpu-reader {"library":FILE,"intervalMs":N,"phaseMs":N,"processes":BOOLEAN}');
  const { library, intervalMs, phaseMs, processes } = given;
  return { library, intervalMs, phaseMs, processes };
}
