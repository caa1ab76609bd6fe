// `whyidle_unavailable` of one node: written again only when a value came or went.
import { catalogue, metricName, renderLinePrefix } from '#agent/contract';
import { readAbsences } from '../fleet/absences.ts';
import type { FleetNode } from '../fleet/node.ts';

export class UnavailableLines {
  #generation = 0;
  #states = new Uint8Array(0);
  #text = '';

  of(node: FleetNode): string {
    const { states } = node.decoder;
    if (node.generation === this.#generation && Buffer.compare(states, this.#states) === 0) return this.#text;
    this.#generation = node.generation;
    this.#states = states.slice();
    this.#text = readAbsences(node)
      .map(({ area, device, name, reason }) => prefixOf([node.name, area, device, name, reason]) + '1\n')
      .join('');
    return this.#text;
  }
}

function prefixOf(values: readonly string[]): string {
  return renderLinePrefix(metricName('unavailable'), ['node', ...catalogue.unavailable.labels], values);
}
