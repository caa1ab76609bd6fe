// The lines of one node without their values: bytes made once per schema, by family in catalogue order.
import { agentMetricIds, metricName, renderLinePrefix, type AgentMetricId } from '#agent/contract';
import type { NodeSchema } from '../fleet/schema.ts';

export interface NodeLines {
  /** All prefixes, one behind the other; line n is from `starts[n]` to `starts[n + 1]`. */
  readonly prefixes: Buffer;
  readonly starts: Uint32Array;
  /** Index in frames per line. */
  readonly indexes: Uint32Array;
  /** Lines of family f: from `families[f]` to `families[f + 1]`. */
  readonly families: Uint32Array;
}

const order = new Map<AgentMetricId, number>(agentMetricIds.map((id, at) => [id, at]));

export function buildNodeLines(node: string, { published }: NodeSchema): NodeLines {
  // `unavailable` is written apart, together with what follows from absent values.
  const lines = published.flatMap(({ id, row, labels, index }) =>
    id === 'unavailable'
      ? []
      : [
          {
            family: order.get(id) ?? 0,
            index,
            text: renderLinePrefix(metricName(id), ['node', ...row.labels], [node, ...labels]),
          },
        ],
  );
  lines.sort((a, b) => a.family - b.family);
  const prefixes = Buffer.from(lines.map(({ text }) => text).join(''));
  return {
    prefixes,
    starts: startsOf(lines.map(({ text }) => text)),
    indexes: Uint32Array.from(lines, ({ index }) => index),
    families: familiesOf(lines),
  };
}

function startsOf(texts: readonly string[]): Uint32Array {
  const starts = new Uint32Array(texts.length + 1);
  for (const [at, text] of texts.entries()) starts[at + 1] = (starts[at] ?? 0) + Buffer.byteLength(text);
  return starts;
}

function familiesOf(lines: readonly { readonly family: number }[]): Uint32Array {
  const families = new Uint32Array(agentMetricIds.length + 1);
  for (const { family } of lines) families[family + 1] = (families[family + 1] ?? 0) + 1;
  for (let at = 1; at < families.length; at++) families[at] = (families[at] ?? 0) + (families[at - 1] ?? 0);
  return families;
}
