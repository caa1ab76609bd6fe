// `whyidle agent`, `whyidle sample` and `whyidle doctor`: the agent's own bundle, loaded at run time so that the agent stays deployable alone.
import { pathToFileURL } from 'node:url';
import type { Command } from './command.ts';
import { findPlaces } from './dist.ts';

export function agentCommand(command: 'agent' | 'sample' | 'doctor'): Command {
  return async (args) => {
    const { agentProgram } = findPlaces();
    const program: unknown = await import(/* @vite-ignore */ pathToFileURL(agentProgram).href);
    const code = await mainOf(program)(command, args);
    return typeof code === 'number' ? code : Number(process.exitCode ?? 0);
  };
}

function mainOf(program: unknown): (command: string, args: readonly string[]) => unknown {
  if (typeof program === 'object' && program !== null && 'main' in program && typeof program.main === 'function') {
    const { main } = program;
    return (command, args): unknown => Reflect.apply(main, undefined, [command, args]);
  }
  throw new Error('the agent program has no main');
}
