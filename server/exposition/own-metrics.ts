// The server's own metrics, in prom-client's registry; names and help are the catalogue's.
import { catalogue, metricName, serverMetricIds, type ServerMetricId } from '#agent/contract';
import { Counter, Gauge, Registry } from 'prom-client';

/** One value, or one per value of the metric's label; of several labels, one value a line. */
export type OwnValue = number | ReadonlyMap<string, number>;
export type OwnValues = Readonly<Record<ServerMetricId, () => OwnValue>>;

export function createRegistry(values: OwnValues): Registry {
  const registry = new Registry();
  for (const id of serverMetricIds) register(registry, id, values[id]);
  return registry;
}

function register(registry: Registry, id: ServerMetricId, read: () => OwnValue): void {
  const { kind, help, labels } = catalogue[id];
  const settings = { name: metricName(id), help, labelNames: labels, registers: [registry] };
  if (kind === 'counter') {
    const counter = new Counter<string>({
      ...settings,
      collect: () => {
        counter.reset();
        for (const [label, value] of entriesOf(read())) counter.inc(labelled(labels, label), value);
      },
    });
  } else {
    const gauge = new Gauge<string>({
      ...settings,
      collect: () => {
        gauge.reset();
        for (const [label, value] of entriesOf(read())) gauge.set(labelled(labels, label), value);
      },
    });
  }
}

function entriesOf(value: OwnValue): readonly (readonly [string, number])[] {
  return typeof value === 'number' ? [['', value]] : [...value];
}

function labelled(names: readonly string[], values: string): Record<string, string> {
  const parts = values.split('\n');
  return Object.fromEntries(names.map((name, at) => [name, parts[at] ?? '']));
}
