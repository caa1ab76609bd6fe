// Asks Slurm by `scontrol show`, which only reads.
import type { CommandRunner } from '#agent/command';
import { setImmediate } from 'node:timers/promises';
import { SlurmError, type SlurmNode, type SlurmSource } from './model.ts';
import { parseJobs, parseNodes, parseReservations, reservationOf } from './scontrol.ts';

export interface ScontrolOptions {
  readonly scontrol: string;
  readonly slurmConf: string | undefined;
  readonly runner: Pick<CommandRunner, 'run'>;
}

const PATIENCE_MS = 10_000;
const PIECE_LINES = 200;
/** 0.5 MB for 500 jobs. */
const MOST_BYTES = 256 * 1024 * 1024;

export function createScontrolSource(options: ScontrolOptions): SlurmSource {
  return {
    name: 'scontrol',
    jobs: async () => inPieces(await show(options, 'job'), parseJobs),
    nodes: async () => withReservations(options, await inPieces(await show(options, 'node'), parseNodes)),
  };
}

/** Thousands of jobs take tens of milliseconds: others have their turn in between. */
async function inPieces<T>(text: string, parse: (piece: string) => readonly T[]): Promise<readonly T[]> {
  const lines = text.split('\n');
  const found: T[] = [];
  for (let from = 0; from < lines.length; from += PIECE_LINES) {
    found.push(...parse(lines.slice(from, from + PIECE_LINES).join('\n')));
    await setImmediate();
  }
  return found;
}

/** Before 23.11 a node that is reserved does not say for whom. */
async function withReservations(options: ScontrolOptions, nodes: readonly SlurmNode[]): Promise<readonly SlurmNode[]> {
  const isOpen = ({ state, reason }: SlurmNode): boolean => reason === '' && /MAINT|RESERVED/.test(state);
  if (!nodes.some(isOpen)) return nodes;
  const names = parseReservations(await show(options, 'reservation'));
  return nodes.map((node) => (isOpen(node) ? { ...node, reason: reservationOf(names.get(node.name) ?? '') } : node));
}

/** Throws SlurmError. */
async function show(
  { scontrol, slurmConf, runner }: ScontrolOptions,
  what: 'job' | 'node' | 'reservation',
): Promise<string> {
  const result = await runner.run({
    kind: `scontrol ${what}`,
    file: scontrol,
    args: ['show', what, '-o', '-d', ...(what === 'job' ? ['--all'] : [])],
    env: { TZ: 'UTC', SLURM_TIME_FORMAT: 'standard', ...(slurmConf !== undefined && { SLURM_CONF: slurmConf }) },
    timeoutMs: PATIENCE_MS,
    maxBytes: MOST_BYTES,
  });
  switch (result.kind) {
    case 'done':
      if (result.exitCode === 0) return result.stdout;
      throw new SlurmError(
        `scontrol ended with ${result.exitCode}: ${result.stderr.trim().slice(0, 200)}`.replace(/: $/, ''),
      );
    case 'not_started':
      throw new SlurmError(`scontrol cannot be started: ${result.message}`);
    case 'timed_out':
    case 'stuck':
      throw new SlurmError('scontrol did not answer in time');
    case 'killed':
      throw new SlurmError(`scontrol was killed by ${result.signal}`);
    case 'too_much_output':
      throw new SlurmError('scontrol says too much');
  }
}
