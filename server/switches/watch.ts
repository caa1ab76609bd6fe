// All managed switches of the configuration, asked a few at a time.
import { connectSsh, Gate, type SshConnection, type SshTarget } from '#agent/ssh';
import type { Clock } from '../clock.ts';
import type { Log } from '../log.ts';
import { systemAfter, type After } from './after.ts';
import type { SwitchConfig } from './config.ts';
import { SwitchPoller } from './poller.ts';

/** A switch that is busy answering forwards no packet the less, but its processor is small. */
const AT_ONCE = 4;

export interface SwitchWatchOptions {
  readonly switches: readonly SwitchConfig[];
  readonly clock: Clock;
  readonly log: Log;
  readonly connect?: (target: SshTarget) => Promise<SshConnection>;
  readonly after?: After;
  readonly random?: () => number;
}

export class SwitchWatch {
  readonly pollers: readonly SwitchPoller[];
  #generation = 0;

  constructor({ switches, clock, log, connect, after, random }: SwitchWatchOptions) {
    const gate = new Gate(AT_ONCE);
    const onChange = (): void => {
      this.#generation++;
    };
    this.pollers = switches.map(
      (config) =>
        new SwitchPoller({
          ...{ config, gate, clock, log, onChange },
          connect: connect ?? ((target) => connectSsh(target)),
          after: after ?? systemAfter,
          random: random ?? Math.random,
        }),
    );
  }

  /** Grows with every reading, also with one that failed. */
  get generation(): number {
    return this.#generation;
  }

  start(): void {
    for (const poller of this.pollers) poller.start();
  }

  stop(): void {
    for (const poller of this.pollers) poller.stop();
  }
}

/** What the series of a switch are told apart by. */
export function guidOf({ config }: Pick<SwitchPoller, 'config'>): string {
  return config.guid ?? config.name;
}
