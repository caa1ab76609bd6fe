// How readings get to a server: the settings of an uplink that do not depend on the node.
import { join } from 'node:path';
import type { ServerOrder } from './servers.ts';
import type { UplinkOptions } from './uplink.ts';

export interface DeliveryOptions {
  /** State folder; undefined: what is not acknowledged waits in memory. */
  readonly state?: string | undefined;
  readonly spoolCapBytes?: number;
  readonly serverOrder?: ServerOrder;
  readonly failbackMs?: number;
  readonly ca?: string | undefined;
}

/** Each node has a spool of its own. Node names are fit for file names. */
export function deliveryOf(delivery: DeliveryOptions = {}, node: string): Partial<UplinkOptions> {
  const { state, ...rest } = delivery;
  return { ...rest, spoolFolder: state === undefined ? undefined : join(state, 'spool', node) };
}
