// `whyidle agent --relay FILE`: one program that reads many nodes over SSH, each with an uplink under its own name.
import type { Clock } from './clock.ts';
import { systemClock } from './clock.ts';
import { createInstance } from './identity.ts';
import type { Log } from './log.ts';
import type { RelayConfig } from './relay/config.ts';
import { RelayNode, type RelayNodeOptions } from './relay/node.ts';
import { connectSsh } from './ssh/connection.ts';
import { Gate } from './ssh/gate.ts';
import { deliveryOf, type DeliveryOptions } from './uplink/delivery.ts';
import { Uplink } from './uplink/uplink.ts';

/** A handshake is a few milliseconds of arithmetic, which stops everything else. */
const HANDSHAKES_AT_ONCE = 8;

export interface RelayOptions extends RelayConfig {
  readonly server: string;
  /** How it is reached, and where is kept what it has not acknowledged: a folder per node. */
  readonly delivery?: DeliveryOptions;
  readonly log: Log;
  readonly clock?: Clock;
  readonly connect?: RelayNodeOptions['connect'];
  readonly random?: () => number;
}

export interface RunningRelay {
  stop(): Promise<void>;
}

export function startRelay(options: RelayOptions): RunningRelay {
  const {
    server,
    delivery,
    intervalMs,
    log,
    clock = systemClock,
    connect = connectSsh,
    random = Math.random,
  } = options;
  const gate = new Gate(HANDSHAKES_AT_ONCE);
  const nodes = options.nodes.map((node) => {
    const own = logOf(node.name, log);
    return new RelayNode({
      ...{ node, intervalMs, connect, gate, clock, random, log: own },
      sinkOf: ({ snapshot, inventory }) =>
        new Uplink({
          ...{ server, node: node.name, instance: createInstance(), intervalMs },
          ...deliveryOf(delivery, node.name),
          ...{ snapshot, inventory, clock, log: own, random },
        }),
    });
  });
  for (const node of nodes) node.start();
  log.info('reading nodes over ssh', { nodes: nodes.length, every_ms: intervalMs });
  return {
    stop: async () => {
      await Promise.all(nodes.map((node) => node.stop()));
    },
  };
}

/** Every line says which node it is about. */
function logOf(node: string, log: Log): Log {
  return {
    info: (message, details) => {
      log.info(message, { node, ...details });
    },
    warn: (message, details) => {
      log.warn(message, { node, ...details });
    },
  };
}
