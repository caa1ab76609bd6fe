// The links of a fabric as rows: what both ends are called, in which state the link is. Pure.
import type { FabricDeviceView, FabricEndView, FabricLinkView, FabricView } from '#server/contract';

export interface LinkEnd {
  readonly view: FabricEndView;
  readonly device: FabricDeviceView | undefined;
  /** `leaf5/27`, `node07 mlx5_2`. */
  readonly name: string;
  /** The node with an agent that the end belongs to. */
  readonly node: string | null;
}

export interface LinkRow {
  /** `guid/port` of the end nearer to hosts. */
  readonly key: string;
  readonly view: FabricLinkView;
  readonly near: LinkEnd;
  readonly far: LinkEnd;
  /** As the kernel calls it; empty where nobody read it. */
  readonly state: string;
  /** Events of all error counters of both ends in the last hour. */
  readonly errors: number;
}

/** Numbered as the kernel does. */
export const portStates: Readonly<Record<number, string>> = {
  1: 'down',
  2: 'init',
  3: 'armed',
  4: 'active',
  5: 'act defer',
};

export const linkKey = ({ guid, port }: { readonly guid: string; readonly port: number }): string => `${guid}/${port}`;

export function linkRows({ devices, links }: Pick<FabricView, 'devices' | 'links'>): readonly LinkRow[] {
  const byGuid = new Map(devices.map((device) => [device.guid, device]));
  return links.map((view) => {
    const [near, far] = view.ends;
    return {
      key: linkKey(near),
      view,
      near: endOf(near, byGuid),
      far: endOf(far, byGuid),
      state: stateOf(view),
      errors: errorsOf(near) + errorsOf(far),
    };
  });
}

/** The row that has an end at this port. */
export function findRow(rows: readonly LinkRow[], key: string): LinkRow | undefined {
  return key === '' ? undefined : rows.find(({ near, far }) => linkKey(near.view) === key || linkKey(far.view) === key);
}

export const isDown = ({ state }: LinkRow): boolean => state !== '' && state !== 'active';

/** An adapter of one port is called by its name alone. */
function endOf(view: FabricEndView, devices: ReadonlyMap<string, FabricDeviceView>): LinkEnd {
  const device = devices.get(view.guid);
  const called = device?.name === undefined || device.name === '' ? view.guid : device.name;
  const alone = device?.kind === 'hca' && device.ports === 1;
  return { view, device, name: alone ? called : `${called}/${view.port}`, node: device?.node ?? null };
}

/** A link is active if neither end says otherwise. */
function stateOf({ ends }: FabricLinkView): string {
  const states = ends.flatMap(({ state_id }) =>
    state_id === null ? [] : [portStates[state_id] ?? `state ${state_id}`],
  );
  return states.find((state) => state !== 'active') ?? states[0] ?? '';
}

function errorsOf({ errors_grown }: FabricEndView): number {
  return Object.values(errors_grown).reduce((sum, one) => sum + one, 0);
}
