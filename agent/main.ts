// The agent's program: `main.js agent|sample|doctor|sweep|simulate [FLAGS]`. Assembles and does nothing else.
import { setFlagsFromString } from 'node:v8';
import { UsageError } from '#agent/contract';
import { CannotStart } from './cannot-start.ts';
import {
  renderAgentHelp,
  renderDoctorHelp,
  renderSampleHelp,
  resolveAgentConfig,
  resolveDoctorConfig,
  resolveSampleConfig,
} from './config.ts';
import type { readSweeps } from './fabric/read-sweeps.ts';
import { FabricUnreadable } from './fabric/unreadable.ts';
import { createLog } from './log.ts';

const commands: Readonly<Record<string, (args: readonly string[]) => Promise<number>>> = {
  agent: runAgent,
  sample: runSample,
  doctor: examine,
  sweep: sweepFabric,
  simulate: runSimulation,
};

if (import.meta.main) {
  const [command = '', ...args] = process.argv.slice(2);
  process.exitCode = await main(command, args);
}

/** Runs a command to its end and gives the exit code: 0 fine, 2 failure, 64 usage. */
export async function main(command: string, args: readonly string[]): Promise<number> {
  if (!process.stdout.listeners('error').includes(endWithoutOutput)) process.stdout.on('error', endWithoutOutput);
  try {
    const run = Object.hasOwn(commands, command) ? commands[command] : undefined;
    if (!run) throw new UsageError(`unknown command ${command}: there is ${Object.keys(commands).join(', ')}`);
    return await run(args);
  } catch (error) {
    if (!(error instanceof UsageError || error instanceof CannotStart || error instanceof FabricUnreadable))
      throw error;
    process.stderr.write(`whyidle: ${error.message}\n`);
    return error.exitCode;
  }
}

/** Whoever reads may have had enough, as `head` has; a disk that is full is a failure. */
function endWithoutOutput(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE') process.stderr.write(`whyidle: cannot write: ${error.message}\n`);
  process.exit(error.code === 'EPIPE' ? 0 : 2);
}

async function runAgent(args: readonly string[]): Promise<number> {
  if (wantsHelp(args)) return print(renderAgentHelp());
  const config = resolveAgentConfig(args, process.env);
  keepYoungHeapSmall();
  const { runUntilStopped } = await import('./run-agent.ts');
  await runUntilStopped(config, createLog('agent', writeError));
  return 0;
}

async function runSample(args: readonly string[]): Promise<number> {
  if (wantsHelp(args)) return print(renderSampleHelp());
  const config = resolveSampleConfig(args, process.env);
  const { printSamples } = await import('./sample.ts');
  // What is missing is part of what is printed.
  const log = { ...createLog('sample', writeError), info: () => undefined };
  await printSamples(config, { write: writeOutput, log });
  return 0;
}

async function examine(args: readonly string[]): Promise<number> {
  if (wantsHelp(args)) return print(renderDoctorHelp());
  const config = resolveDoctorConfig(args, process.env);
  const { runDoctor } = await import('./doctor.ts');
  return runDoctor(config, { write: writeOutput, env: process.env, isTerminal: process.stdout.isTTY });
}

async function sweepFabric(args: readonly string[]): Promise<number> {
  const { printSweeps } = await import('./fabric/read-sweeps.ts');
  return printSweeps(args, writeOutput);
}

/** For `whyidle fabric`, which judges what it is told. */
export async function sweepSubnet(...request: Parameters<typeof readSweeps>): Promise<void> {
  const { readSweeps } = await import('./fabric/read-sweeps.ts');
  await readSweeps(...request);
}

async function runSimulation(args: readonly string[]): Promise<number> {
  const { runSimulatedCluster } = await import('./simulator/index.ts');
  return runSimulatedCluster(args);
}

function wantsHelp(args: readonly string[]): boolean {
  return args.includes('--help') || args.includes('-h');
}

function print(text: string): number {
  writeOutput(text);
  return 0;
}

function writeOutput(text: string): void {
  process.stdout.write(text);
}

function writeError(line: string): void {
  process.stderr.write(line);
}

/** A tick allocates little, so that room for more only stays resident: 6 MiB less of 83, the same CPU time. */
function keepYoungHeapSmall(): void {
  setFlagsFromString('--semi-space-growth-factor=1');
}
