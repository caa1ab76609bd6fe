// Where the built parts of the program are, seen from a bundle below dist/ or from the sources.
import { existsSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export interface Places {
  /** The built web app. */
  readonly webFolder: string;
  /** The agent's program: its bundle, or its source where we run from source ourselves. */
  readonly agentProgram: string;
}

export function findPlaces(from = fileURLToPath(import.meta.url)): Places {
  for (let folder = dirname(from); folder !== dirname(folder); folder = dirname(folder)) {
    if (basename(folder) === 'dist')
      return { webFolder: join(folder, 'web'), agentProgram: join(folder, 'agent/main.js') };
    if (existsSync(join(folder, 'package.json')))
      return { webFolder: join(folder, 'dist/web'), agentProgram: join(folder, 'agent/main.ts') };
  }
  throw new Error(`${from} is neither in dist/ nor in the package`);
}
