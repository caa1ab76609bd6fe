// What infiniband-diags 44 print of the simulated fabric: ibnetdiscover, iblinkinfo, ibqueryerrors. Formats as in its own
// sources and recordings; who is behind a link that is down is not seen.
import { EDR_GIGABITS, type LinkState, type PortErrors } from '../fabric/faults.ts';
import type { FabricPortView } from '../fabric/model.ts';
import type { Fabric, FabricDevice } from '../fabric/topology.ts';

/** The fabric at a moment, as it is swept from one adapter. */
export interface FabricMoment {
  readonly fabric: Fabric;
  readonly ports: readonly FabricPortView[];
  /** Index of the adapter that looks. */
  readonly from: number;
}

/** What a tool reaches: devices in its order, with their ports by number. */
interface Reached extends FabricDevice {
  readonly index: number;
  readonly byPort: ReadonlyMap<number, FabricPortView>;
}

const VENDOR = '0x2c9';

export function renderNetDiscover(moment: FabricMoment): string {
  const own = moment.fabric.devices[moment.from];
  const head = `#\n# Topology file: generated on Wed Jun 16 10:00:00 2021\n#\n# Initiated from node ${own?.guid} port ${own?.guid}\n`;
  return (
    head +
    reachedOf(moment)
      .map((device) => `\n${describe(device, moment.fabric)}`)
      .join('')
  );
}

/** Grouped by device, or with everything on each line. */
export function renderLinkInfo(moment: FabricMoment, { oneLine }: { readonly oneLine: boolean }): string {
  return reachedOf(moment)
    .map((device) => {
      const lines = portNumbers(device).map((port) => linkLine(device, port, { fabric: moment.fabric, oneLine }));
      if (oneLine) return lines.join('');
      const title = device.kind === 'switch' ? `Switch: 0x${device.guid} ${device.name}:` : `CA: ${device.name}:`;
      return `${title}\n${lines.join('')}`;
    })
    .join('');
}

/** `errors`: counters that are not 0. `data`: traffic of every port. */
export function renderQueryErrors(moment: FabricMoment, what: 'errors' | 'data'): string {
  const devices = reachedOf(moment);
  const blocks = devices.map((device) => (what === 'errors' ? errorLines(device) : dataLines(device)));
  const bad = what === 'errors' ? blocks.filter((lines) => lines.length > 0).length : 0;
  const badPorts = blocks.flat().filter((line) => what === 'errors' && !line.includes(' port ALL:')).length;
  const ports = devices.reduce(
    (sum, device) => sum + (device.kind === 'switch' ? 1 : 0) + portNumbers(device).length,
    0,
  );
  const text = devices.flatMap((device, index) => {
    const lines = blocks[index] ?? [];
    return lines.length === 0 ? [] : [`${headOf(device, what)}\n`, ...lines];
  });
  return `${text.join('')}
## Summary: ${devices.length} nodes checked, ${bad} bad nodes found
##          ${ports} ports checked, ${badPorts} ports have errors beyond threshold
## Thresholds: 
## Suppressed:
`;
}

/** Counters of one port by the names the tools give them; errors and data. */
export function countersOf({ counters, errors }: FabricPortView): Readonly<Record<string, bigint>> {
  const { txWords, rxWords, txPackets, rxPackets, waitTicks } = counters;
  return {
    ...errorCounts(errors),
    PortXmitWait: waitTicks.count,
    PortXmitData: txWords.count,
    PortRcvData: rxWords.count,
    PortXmitPkts: txPackets.count,
    PortRcvPkts: rxPackets.count,
    PortUnicastXmitPkts: txPackets.count,
    PortUnicastRcvPkts: rxPackets.count,
    PortMulticastXmitPkts: 0n,
    PortMulticastRcvPkts: 0n,
  };
}

/** The plain set stops at 16 and 8 bits. */
function errorCounts(errors: PortErrors): Readonly<Record<string, bigint>> {
  return {
    SymbolErrorCounter: BigInt(Math.min(errors.symbol_error, 65_535)),
    LinkErrorRecoveryCounter: BigInt(Math.min(errors.link_error_recovery, 255)),
    LinkDownedCounter: BigInt(Math.min(errors.link_downed, 255)),
    PortRcvErrors: BigInt(Math.min(errors.port_rcv_errors, 65_535)),
  };
}

/** Devices that answer: all but those behind the only cable, where it is down. Switches first, the looking one last. */
function reachedOf({ fabric, ports, from }: FabricMoment): readonly Reached[] {
  const byDevice = new Map(fabric.devices.map((_, index) => [index, new Map<number, FabricPortView>()]));
  for (const port of ports) byDevice.get(port.end.device)?.set(port.end.port, port);
  return fabric.devices
    .map((device, index): Reached => ({ ...device, index, byPort: byDevice.get(index) ?? new Map() }))
    .filter(({ index, byPort }) => index === from || [...byPort.values()].some(({ link }) => link.up))
    .toSorted((a, b) => Number(a.index === from) - Number(b.index === from));
}

function portNumbers({ ports }: Reached): readonly number[] {
  return Array.from({ length: ports }, (_, index) => index + 1);
}

function describe(device: Reached, fabric: Fabric): string {
  const { guid, name, lid, deviceId } = device;
  const id = `vendid=${VENDOR}\ndevid=0x${deviceId.toString(16)}\nsysimgguid=0x${guid}\n`;
  const ports = portNumbers(device).flatMap((port) => {
    const view = device.byPort.get(port);
    return view?.link.up === true ? [netLine(device, view, fabric)] : [];
  });
  const head =
    device.kind === 'switch'
      ? `switchguid=0x${guid}(${guid})\nSwitch\t${device.ports} "S-${guid}"\t\t# "${name}" enhanced port 0 lid ${lid} lmc 0\n`
      : `caguid=0x${guid}\nCa\t${device.ports} "H-${guid}"\t\t# "${name}"\n`;
  return id + head + ports.join('');
}

function netLine(device: Reached, { end, peer, link }: FabricPortView, { devices }: Fabric): string {
  const other = devices[peer.device];
  if (!other) return '';
  const rate = `${link.lanes}x${link.laneGigabits === EDR_GIGABITS ? 'EDR' : 'FDR'}`;
  const far = `"${other.kind === 'switch' ? 'S' : 'H'}-${other.guid}"[${peer.port}]`;
  if (device.kind === 'hca') {
    return `[${end.port}](${device.guid}) \t${far}\t\t# lid ${device.lid} lmc 0 "${other.name}" lid ${other.lid} ${rate}\n`;
  }
  const guid = other.kind === 'hca' ? `(${other.guid}) ` : '';
  return `[${end.port}]\t${far}${guid}\t\t# "${other.name}" lid ${other.lid} ${rate}\n`;
}

function linkLine(
  device: Reached,
  port: number,
  { fabric, oneLine }: { readonly fabric: Fabric; readonly oneLine: boolean },
): string {
  const view = device.byPort.get(port);
  const number = String(port).padStart(5);
  const lid = String(device.lid).padStart(7);
  const before = oneLine
    ? `0x${device.guid} "${device.name.padStart(30)}"${lid}${number}[  ]`
    : `${device.kind === 'hca' ? `      0x${device.guid}` : '     '}${lid}${number}[  ]`;
  const other = view?.link.up === true ? fabric.devices[view.peer.device] : undefined;
  if (!view || !other) return `${before} ==(                Down/ Polling)==>             [  ] "" ( )\n`;
  const { lanes, laneGigabits } = view.link;
  const state = `${lanes}X ${String(laneGigabits).padStart(13)} Gbps Active/  LinkUp`;
  const far = `${oneLine ? `  0x${other.guid}` : ' '}${String(other.lid).padStart(7)}${String(view.peer.port).padStart(5)}[  ] "${other.name}"`;
  return `${before} ==( ${state})==>${far} ${hintOf(view.link)}\n`;
}

/** What both ends could do and do not. */
function hintOf({ lanes, laneGigabits }: LinkState): string {
  const width = lanes < 4 ? 'Could be 4X' : '';
  const speed = laneGigabits < EDR_GIGABITS ? `Could be ${EDR_GIGABITS} Gbps` : '';
  return `(${width} ${speed})`;
}

function headOf({ kind, guid, name }: Reached, what: 'errors' | 'data'): string {
  if (what === 'data') return `Data Counters for 0x${guid} "${name}"`;
  return kind === 'switch' ? `Errors for 0x${guid} "${name}"` : `Errors for "${name}"`;
}

const errorNames = [
  'SymbolErrorCounter',
  'LinkErrorRecoveryCounter',
  'LinkDownedCounter',
  'PortRcvErrors',
  'PortXmitWait',
] as const;
const dataNames = [
  'PortXmitData',
  'PortRcvData',
  'PortXmitPkts',
  'PortRcvPkts',
  'PortUnicastXmitPkts',
  'PortUnicastRcvPkts',
  'PortMulticastXmitPkts',
  'PortMulticastRcvPkts',
] as const;

function errorLines({ guid, kind, wideErrors, byPort }: Reached): readonly string[] {
  const sums = new Map<string, bigint>();
  const lines = [...byPort]
    .toSorted(([a], [b]) => a - b)
    .flatMap(([port, view]) => {
      const counts = countersOf(view);
      const cells = errorNames.flatMap((name) => {
        const count = counts[name] ?? 0n;
        sums.set(name, (sums.get(name) ?? 0n) + count);
        return count === 0n ? [] : [errorCell(name, count, wideErrors)];
      });
      return cells.length === 0 ? [] : [`   GUID 0x${guid} port ${port}: ${cells.join(' ')}\n`];
    });
  if (lines.length === 0 || kind !== 'switch') return lines;
  const all = [...sums].filter(([, sum]) => sum > 0n).map(([name, sum]) => errorCell(name, sum, wideErrors));
  return [`   GUID 0x${guid} port ALL: ${all.join(' ')}\n`, ...lines];
}

function errorCell(name: string, count: bigint, wide: boolean): string {
  return wide ? `[${name} == ${count} (${forPeople(count, '')})]` : `[${name} == ${count}]`;
}

/** Ports without a cable have counted nothing. */
function dataLines(device: Reached): readonly string[] {
  return portNumbers(device).map((port) => {
    const view = device.byPort.get(port);
    const counts = view ? countersOf(view) : {};
    const cells = dataNames.map((name) => {
      const count = counts[name] ?? 0n;
      const inBytes = name === 'PortXmitData' || name === 'PortRcvData';
      return `[${name} == ${count} (${inBytes ? forPeople(count * 4n, 'B') : forPeople(count, '')})]`;
    });
    return `   GUID 0x${device.guid} port ${port}: ${cells.join(' ')}\n`;
  });
}

/** 183.656KB, 653.000: steps of 1024. */
function forPeople(count: bigint, unit: string): string {
  let value = Number(count);
  let step = 0;
  for (; value >= 1024 && step < STEPS.length - 1; step++) value /= 1024;
  return `${value.toFixed(3)}${STEPS[step] ?? ''}${unit}`;
}

const STEPS = ['', 'K', 'M', 'G', 'T', 'P', 'E'] as const;
