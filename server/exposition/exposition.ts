// The metrics page: device series of all nodes by our own writer, family by family in catalogue order, then the verdicts,
// then the server's own metrics out of prom-client's registry. Every node's series carry the label `node`, so that a
// scrape of this one page needs no relabelling.
import {
  agentMetricIds,
  catalogue,
  derivedMetricIds,
  metricName,
  PRESENT,
  renderHeadOf,
  renderLinePrefix,
  renderSteps,
  serverMetricIds,
  type MetricId,
  type TextFormat,
} from '#agent/contract';
import type { Registry } from 'prom-client';
import { build } from '../build.ts';
import type { Derived } from '../derived/derived.ts';
import type { Fleet } from '../fleet/fleet.ts';
import type { FleetGpu } from '../fleet/gpu.ts';
import type { FleetNode } from '../fleet/node.ts';
import { renderFleetDcgm, renderNodeDcgm } from './dcgm-page.ts';
import { GpuLines } from './gpu-lines.ts';
import { DerivedLines } from './derived-lines.ts';
import type { FabricLines } from './fabric-lines.ts';
import type { SwitchLines } from '../switches/lines.ts';
import { buildNodeLines, type NodeLines } from './node-lines.ts';
import { PageBuffer, type Page } from './page-buffer.ts';
import { UnavailableLines } from './unavailable-lines.ts';

interface Cached {
  readonly generation: number;
  readonly lines: NodeLines;
  readonly unavailable: UnavailableLines;
}

type OwnMetrics = Awaited<ReturnType<Registry['getMetricsAsJSON']>>;

/** What is exported besides the nodes' own series; left out where it is not followed. */
export interface FurtherLines {
  readonly derived?: Derived;
  readonly fabrics?: FabricLines;
  readonly switches?: SwitchLines;
}

export class Exposition {
  readonly #fleet: Fleet;
  readonly #registry: Registry;
  readonly #further: FurtherLines;
  readonly #derivedLines = new DerivedLines();
  readonly #page = new PageBuffer();
  readonly #nodes = new WeakMap<FleetNode, Cached>();
  readonly #gpus = new WeakMap<FleetGpu, GpuLines>();

  constructor(fleet: Fleet, registry: Registry, further: FurtherLines = {}) {
    this.#further = further;
    this.#fleet = fleet;
    this.#registry = registry;
  }

  /** With `dcgm` the page of dcgm-exporter follows; then the format is Prometheus text. */
  async renderFleet(format: TextFormat, nowMs: number, dcgm = false): Promise<Page> {
    const own = await this.#registry.getMetricsAsJSON();
    const { nodes, gpus } = this.#fleet;
    this.#page.start();
    this.#writeNodes(nodes, gpus, { format, nowMs, withServer: true });
    this.#writeFabrics(format, nowMs);
    this.#writeOwn(own, format);
    if (dcgm) this.#page.text(renderFleetDcgm(nodes, nowMs));
    return this.#finish(format);
  }

  renderNode(node: FleetNode, format: TextFormat, nowMs: number, dcgm = false): Page {
    this.#page.start();
    this.#writeNodes([node], this.#fleet.gpusOf(node), { format, nowMs, withServer: false });
    if (dcgm) this.#page.text(renderNodeDcgm(node, nowMs));
    return this.#finish(format);
  }

  #writeNodes(
    nodes: readonly FleetNode[],
    gpus: readonly FleetGpu[],
    { format, nowMs, withServer }: { format: TextFormat; nowMs: number; withServer: boolean },
  ): void {
    const up = nodes.filter((node) => node.isUp(nowMs)).map((node) => ({ node, ...this.#cached(node) }));
    for (const [family, id] of agentMetricIds.entries()) {
      const head = new Head(this.#page, id, format);
      const digits = digitsOf(id);
      if (id === 'unavailable') for (const { node, unavailable } of up) head.text(unavailable.of(node));
      else for (const { node, lines } of up) this.#writeFamily(node, lines, { family, digits, head });
      if (id === 'build_info' && withServer) head.text(serverBuildLine);
    }
    this.#writeDerived(
      up.map(({ node }) => node),
      format,
    );
    this.#writeVerdicts(gpus, format);
    this.#writeStates(nodes, format, nowMs);
  }

  #writeFamily(
    node: FleetNode,
    { prefixes, starts, indexes, families }: NodeLines,
    { family, digits, head }: { family: number; digits: number; head: Head },
  ): void {
    const first = families[family] ?? 0;
    const end = families[family + 1] ?? 0;
    if (first === end) return;
    const page = this.#page;
    const { states, steps } = node.decoder;
    for (let line = first; line < end; line++) {
      const index = indexes[line] ?? 0;
      if (states[index] !== PRESENT) continue;
      head.write();
      page.copy(prefixes, starts[line] ?? 0, starts[line + 1] ?? 0);
      const value = steps[index] ?? 0;
      if (Number.isSafeInteger(value)) page.value(value, digits);
      else page.text(`${renderSteps(node.decoder.exact(index), 10 ** digits)}\n`);
    }
  }

  #writeDerived(nodes: readonly FleetNode[], format: TextFormat): void {
    const { derived } = this.#further;
    if (!derived) return;
    for (const id of derivedMetricIds) {
      const head = new Head(this.#page, id, format);
      const digits = digitsOf(id);
      for (const node of nodes) {
        for (const series of derived.seriesOf(node, id)) {
          if (Number.isNaN(series.value)) continue;
          head.text(this.#derivedLines.prefixOf(node.name, series));
          this.#page.value(Math.round(series.value * 10 ** digits), digits);
        }
      }
    }
  }

  #writeFabrics(format: TextFormat, nowMs: number): void {
    const { fabrics, switches } = this.#further;
    for (const { id, lines } of [...(fabrics?.families(nowMs) ?? []), ...(switches?.families() ?? [])]) {
      const head = new Head(this.#page, id, format);
      for (const line of lines) head.text(line);
    }
  }

  #writeVerdicts(gpus: readonly FleetGpu[], format: TextFormat): void {
    const state = new Head(this.#page, 'gpu_state', format);
    for (const gpu of gpus) state.text(`${this.#linesOf(gpu).state(gpu.account.class)}1\n`);
    const seconds = new Head(this.#page, 'gpu_state_seconds_total', format);
    for (const gpu of gpus) {
      for (const [leaf, ms] of gpu.account.published) {
        seconds.text(this.#linesOf(gpu).seconds(leaf));
        this.#page.value(ms, 3);
      }
    }
  }

  /** The nodes as the server sees them; of a node that is down only this is left. */
  #writeStates(nodes: readonly FleetNode[], format: TextFormat, nowMs: number): void {
    this.#writeNodeRow('node_up', nodes, format, (node) => (node.isUp(nowMs) ? 1 : 0));
    this.#writeNodeRow('node_last_sample_timestamp_seconds', nodes, format, (node) => node.lastSampleMs);
    this.#writeNodeRow('node_clock_offset_seconds', nodes, format, (node) =>
      node.isUp(nowMs) ? node.clockOffsetMs : undefined,
    );
  }

  #writeNodeRow(
    id: 'node_up' | 'node_last_sample_timestamp_seconds' | 'node_clock_offset_seconds',
    nodes: readonly FleetNode[],
    format: TextFormat,
    stepsOf: (node: FleetNode) => number | undefined,
  ): void {
    const head = new Head(this.#page, id, format);
    for (const node of nodes) {
      const steps = stepsOf(node);
      if (steps === undefined) continue;
      head.text(renderLinePrefix(metricName(id), ['node'], [node.name]));
      this.#page.value(Math.round(steps), digitsOf(id));
    }
  }

  /** prom-client counts; the lines are written here, because its own OpenMetrics form renames its counters for good. */
  #writeOwn(own: OwnMetrics, format: TextFormat): void {
    const byName = new Map(own.map((metric) => [metric.name, metric.values]));
    for (const id of serverMetricIds) {
      const name = metricName(id);
      const head = new Head(this.#page, id, format);
      for (const { labels, value } of byName.get(name) ?? []) {
        const names = Object.keys(labels);
        head.text(`${renderLinePrefix(name, names, Object.values(labels).map(String))}${value}\n`);
      }
    }
  }

  #finish(format: TextFormat): Page {
    if (format === 'openmetrics') this.#page.text('# EOF\n');
    return this.#page.finish();
  }

  #cached(node: FleetNode): Cached {
    let cached = this.#nodes.get(node);
    if (cached?.generation !== node.generation) {
      const lines = buildNodeLines(node.name, node.schema);
      cached = { generation: node.generation, lines, unavailable: new UnavailableLines() };
      this.#nodes.set(node, cached);
    }
    return cached;
  }

  #linesOf(gpu: FleetGpu): GpuLines {
    let lines = this.#gpus.get(gpu);
    if (!lines) this.#gpus.set(gpu, (lines = new GpuLines(gpu)));
    return lines;
  }
}

/** Every scale of the catalogue is a power of ten. */
function digitsOf(id: MetricId): number {
  return Math.round(Math.log10(catalogue[id].scale));
}

const serverBuildLine = `${renderLinePrefix(metricName('build_info'), catalogue.build_info.labels, [
  build.version,
  build.commit,
  build.runtime,
])}1\n`;

/** HELP and TYPE of a family, written before its first line and not at all without one. */
class Head {
  readonly #page: PageBuffer;
  readonly #id: MetricId;
  readonly #format: TextFormat;
  #written = false;

  constructor(page: PageBuffer, id: MetricId, format: TextFormat) {
    this.#page = page;
    this.#id = id;
    this.#format = format;
  }

  write(): void {
    if (this.#written) return;
    this.#written = true;
    this.#page.text(renderHeadOf(this.#id, this.#format));
  }

  /** A piece of a line, or whole lines; nothing for an empty text. */
  text(text: string): void {
    if (text === '') return;
    this.write();
    this.#page.text(text);
  }
}
