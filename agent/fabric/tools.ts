// Which infiniband-diags are here. They are read-only as they are called: no flag that sets, resets or clears is ever given.
import { accessSync, constants, readdirSync } from 'node:fs';
import { delimiter, join, resolve } from 'node:path';
import { CannotStart } from '../cannot-start.ts';

export interface FabricTools {
  readonly ibnetdiscover: string;
  readonly iblinkinfo: string;
  readonly ibqueryerrors: string;
  /** Without it neither details nor ticks are read. */
  readonly perfquery: string | undefined;
}

/** Where packages put them; the PATH of a service or of a plain user often has it not. */
const usualFolders = ['/usr/sbin', '/usr/local/sbin', '/sbin'];

/** Variables that a simulated subnet (ibsim) needs its tools to have. */
const simulatorVariables = ['LD_PRELOAD', 'SIM_HOST', 'IBSIM_SOCKNAME', 'IBSIM_SERVER_NAME', 'IBSIM_SERVER_PORT'];

export interface Search {
  /** Looked for nowhere else if it is given. */
  readonly folder: string | undefined;
  readonly path: string;
}

/** Throws CannotStart naming what is missing. */
export function findFabricTools({ folder, path }: Search): FabricTools {
  const folders =
    folder === undefined
      ? [...path.split(delimiter).filter((one) => one.startsWith('/')), ...usualFolders]
      : [resolve(folder)];
  const missing: string[] = [];
  const need = (name: string): string => {
    const file = find(name, folders);
    if (file === undefined) missing.push(name);
    return file ?? '';
  };
  const tools = {
    ibnetdiscover: need('ibnetdiscover'),
    iblinkinfo: need('iblinkinfo'),
    ibqueryerrors: need('ibqueryerrors'),
    perfquery: find('perfquery', folders),
  };
  if (missing.length === 0) return tools;
  const where = folder === undefined ? 'on the PATH' : `in ${resolve(folder)}`;
  throw new CannotStart(
    `${missing.join(', ')} cannot be found ${where}: install infiniband-diags, or name their folder with --tools DIR`,
  );
}

export function fabricEnvironment(env: Readonly<Record<string, string | undefined>>): Readonly<Record<string, string>> {
  return Object.fromEntries(
    simulatorVariables.flatMap((name) => {
      const value = env[name];
      return value === undefined ? [] : [[name, value] as const];
    }),
  );
}

/** Why management datagrams cannot be sent from here; undefined if they can. */
export function umadProblem(folder = '/dev/infiniband'): string | undefined {
  const devices = namesIn(folder).filter((name) => /^umad\d+$/.test(name));
  if (devices.length === 0) return `there is no ${folder}/umad*: no InfiniBand adapter, or ib_umad is not loaded`;
  if (devices.some((name) => mayUse(join(folder, name), constants.R_OK | constants.W_OK))) return undefined;
  return `${folder}/umad* may not be opened by this user`;
}

function find(name: string, folders: readonly string[]): string | undefined {
  return folders.map((folder) => join(folder, name)).find((file) => mayUse(file, constants.X_OK));
}

function mayUse(file: string, mode: number): boolean {
  try {
    accessSync(file, mode);
    return true;
  } catch {
    return false; // not there, or not for us
  }
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return []; // not there
  }
}
