// The shapes of the child's lines, as the agent checks them. Cells are checked one by one where they are used.
import { absenceReasons } from '#agent/contract';
import * as v from 'valibot';

const reason = v.picklist(absenceReasons);
const place = v.pipe(v.number(), v.integer(), v.minValue(0));
const labels = v.record(v.string(), v.string());
const identity = v.object({ gpu: v.string(), uuid: v.string(), pci_bus_id: v.string() });
const facts = v.object({
  name: v.string(),
  driver: v.string(),
  vbios: v.string(),
  serial: v.string(),
  cuda: v.string(),
  arch: v.string(),
});
const instance = v.object({ mig_gi: v.string(), mig_ci: v.string(), profile: v.string() });

export const layoutSchema = v.object({
  layout: place,
  gpus: v.array(v.object({ identity, facts, sections: v.array(place), instances: v.exactOptional(v.array(instance)) })),
  columnSets: v.array(v.array(v.object({ id: v.string(), labels }))),
});

const isCells = (data: unknown): boolean => Array.isArray(data);

export const valuesSchema = v.object({
  tick: place,
  layout: place,
  values: v.array(v.tuple([place, place, v.custom<readonly unknown[]>(isCells)])),
  losses: v.array(v.tuple([place, reason])),
  processes: v.exactOptional(v.unknown()),
});

export const processesSchema = v.array(
  v.tuple([
    place,
    v.array(
      v.object({
        pid: place,
        name: v.string(),
        kind: v.picklist(['compute', 'graphics', 'mps']),
        memoryBytes: v.number(),
        smUtilization: v.exactOptional(v.number()),
      }),
    ),
  ]),
);

export const xidSchema = v.object({ xid: place, uuid: v.string(), pciBusId: v.string(), timeMs: v.number() });

export const errorSchema = v.object({ error: reason, message: v.string() });
