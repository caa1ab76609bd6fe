// One sweep of an InfiniBand subnet as infiniband-diags tell it: devices, links, ports with their counters, and who was silent.
// What it means (model, differences, findings) is the server's: server/fabric.
import * as v from 'valibot';

/** 16 hexadecimal digits, lower case, without 0x. */
const guid = v.pipe(v.string(), v.regex(/^[\da-f]{16}$/));
const port = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(255));
const text = v.pipe(v.string(), v.maxLength(256));

/** `aggregation`: a SHARP node. It looks like an adapter and is none. */
export const fabricKinds = ['switch', 'hca', 'aggregation', 'router'] as const;

export const fabricLimits = { devices: 20_000, ports: 200_000, bytes: 32_000_000 } as const;

const deviceSchema = v.object({
  guid,
  kind: v.picklist(fabricKinds),
  /** The node description as it is set, or of the node-name map. */
  name: text,
  lid: v.nullable(v.number()),
  /** How many ports it has, the internal one of a switch not counted. */
  ports: port,
  systemGuid: v.nullable(guid),
  /** PCI vendor and device number as ibnetdiscover prints them; null where it does not. */
  vendorId: v.nullable(v.number()),
  deviceId: v.nullable(v.number()),
});

const portSchema = v.object({
  /** Of the device. Adapters have one GUID per port besides. */
  guid,
  port,
  portGuid: v.nullable(guid),
  lid: v.nullable(v.number()),
  /** Numbered as the kernel does: 1 down, 2 init, 3 armed, 4 active. */
  state: v.nullable(v.number()),
  physicalState: v.nullable(v.number()),
  /** Lanes and signalling rate per lane in use; what both ends could do where it is told. */
  widthLanes: v.nullable(v.number()),
  laneBytesPerSecond: v.nullable(v.number()),
  widthLanesBest: v.nullable(v.number()),
  laneBytesPerSecondBest: v.nullable(v.number()),
  peer: v.nullable(v.object({ guid, port })),
  /** Name as infiniband-diags print it (PortXmitData, SymbolErrorCounter …) → decimal digits. */
  counters: v.record(v.string(), v.pipe(v.string(), v.regex(/^\d{1,20}$/))),
  /** Error counters of 64 bits (CapabilityMask2 0x2); else they end at 4, 8, 16 or 32 bits. */
  hasWideErrors: v.boolean(),
  /** Port time of one tick of PortXmitWait in bytes, where it was read. */
  tickBytes: v.nullable(v.number()),
});

export const fabricSweepSchema = v.object({
  /** Of the subnet: the GUID prefix of the port that was swept from, else the GUID of that port. */
  subnet: v.pipe(v.string(), v.maxLength(32)),
  /** Wall clock of the sweeping node. */
  startedMs: v.number(),
  endedMs: v.number(),
  /** The topology is read less often than the counters. */
  topologyMs: v.number(),
  devices: v.pipe(v.array(deviceSchema), v.maxLength(fabricLimits.devices)),
  ports: v.pipe(v.array(portSchema), v.maxLength(fabricLimits.ports)),
  silent: v.array(
    v.object({
      guid: v.nullable(guid),
      lid: v.nullable(v.number()),
      name: text,
      /** The port whose other end does not answer, where the way there is known. */
      behind: v.optional(v.object({ guid, port })),
    }),
  ),
  /** What could not be read, and why, in words. */
  problems: v.array(text),
});

export type FabricSweep = v.InferOutput<typeof fabricSweepSchema>;
export type FabricDevice = FabricSweep['devices'][number];
export type FabricPort = FabricSweep['ports'][number];
export type FabricKind = (typeof fabricKinds)[number];
