// The events of the agents' namespace, in types (agent/contract/wire.ts in words).
import type {
  BacklogSchema,
  ClockMessage,
  FabricSweep,
  GapMessage,
  Hello,
  Inventory,
  Owners,
  SchemaMessage,
} from '#agent/contract';
import type { Socket } from 'socket.io-client';

interface FromServer {
  ack: (seq: unknown) => void;
  backlog_ack: (count: unknown) => void;
  resync: () => void;
  notice: (notice: unknown) => void;
}

interface ToServer {
  hello: (hello: Hello, reply: (answer: unknown) => void) => void;
  schema: (schema: SchemaMessage) => void;
  frame: (bytes: Uint8Array) => void;
  clock: (clock: ClockMessage) => void;
  inventory: (inventory: Inventory) => void;
  fabric: (sweep: FabricSweep) => void;
  owners: (owners: Owners) => void;
  backlog_schema: (schema: BacklogSchema) => void;
  backlog: (bytes: Uint8Array) => void;
  gap: (gap: GapMessage) => void;
  backlog_end: () => void;
}
export type AgentSocket = Socket<FromServer, ToServer>;
