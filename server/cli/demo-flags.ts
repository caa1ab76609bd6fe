// Flags of the demo alone: --fault KIND@TARGET (repeated as often as wanted), --seed N. The others are the server's.
import { UsageError } from '#agent/contract';
import { FaultWordError, faultWords, MAX_NODES, parseWantedFaults } from '#agent/simulator';

export const demoHelp = `Flags of the demo:
  --fault KIND@TARGET what is to go wrong, as often as wanted: storage@node07, thermal@node03/gpu5
                      KIND is one of ${faultWords.join(', ')}
  --seed N            another cluster and other jobs

`;

export interface DemoFlags {
  readonly faults: readonly string[];
  /** For the simulator. */
  readonly flags: readonly string[];
}

export function takeDemoFlags(args: readonly string[]): { readonly own: DemoFlags; readonly rest: readonly string[] } {
  const faults: string[] = [];
  const seeds: string[] = [];
  const rest: string[] = [];
  for (let at = 0; at < args.length; at++) {
    const [flag = '', inline] = (args[at] ?? '').split(/=(.*)/s);
    const taken = flag === '--fault' ? faults : flag === '--seed' ? seeds : undefined;
    if (!taken) {
      rest.push(args[at] ?? '');
      continue;
    }
    const value = inline ?? args[++at];
    if (value === undefined || value === '') throw new UsageError(`${flag} needs a value`);
    taken.push(...value.split(','));
  }
  const seed = seeds.at(-1);
  const flags = [
    ...(faults.length > 0 ? ['--fault', faults.join(',')] : []),
    ...(seed === undefined ? [] : ['--seed', seed]),
  ];
  return { own: { faults, flags }, rest };
}

/** Throws UsageError before anything is started. */
export function checkFaults(faults: readonly string[]): void {
  try {
    parseWantedFaults(faults, MAX_NODES);
  } catch (error) {
    if (error instanceof FaultWordError) throw new UsageError(error.message);
    throw error;
  }
}
