// The metrics page: device series of all nodes by our own writer, family by family in catalogue order, then the verdicts,
// then the server's own metrics out of prom-client's registry. Every node's series carry the label `node`, so that a
// scrape of this one page needs no relabelling.
import { confidences } from '#server/contract';
import { setImmediate } from 'node:timers/promises';
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
  type FrameDecoder,
  type MetricId,
  type TextFormat,
} from '#agent/contract';
import type { Registry } from 'prom-client';
import { build } from '../build.ts';
import type { Derived } from '../derived/derived.ts';
import type { Fleet } from '../fleet/fleet.ts';
import { isAttributed, type GpuOwner } from '../jobs/gpu-owner.ts';
import type { FleetGpu } from '../fleet/gpu.ts';
import type { FleetNode } from '../fleet/node.ts';
import { renderFleetDcgm, renderNodeDcgm } from './dcgm-page.ts';
import { renderJob } from './gpu-lines.ts';
import { GpuLines } from './gpu-lines.ts';
import { DerivedLines } from './derived-lines.ts';
import type { FabricLines } from './fabric-lines.ts';
import type { SwitchLines } from '../switches/lines.ts';
import { buildNodeLines, type NodeLines } from './node-lines.ts';
import { PageBuffer, type Page } from './page-buffer.ts';
import { UnavailableLines } from './unavailable-lines.ts';

/** A node with what its lines are made of, as they were when the page was begun. */
interface Upright {
  readonly node: FleetNode;
  readonly decoder: FrameDecoder;
  readonly lines: NodeLines;
  readonly unavailable: UnavailableLines;
}

/** A page in pieces: between two of them something else may run. */
type Pieces = Generator<undefined, void, undefined>;

/** Nothing else waits longer than this for a page. */
const SLICE_MS = 8;

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
  readonly jobs?: JobLookup;
}

/** Who was given which GPU. */
export interface JobLookup {
  readonly ownerOf: (node: string, uuid: string, nowMs: number) => GpuOwner;
}

export class Exposition {
  readonly #fleet: Fleet;
  readonly #registry: Registry;
  readonly #further: FurtherLines;
  readonly #derivedLines = new DerivedLines();
  readonly #page = new PageBuffer();
  readonly #nodePage = new PageBuffer();
  /** One page of the fleet after the other: they share a buffer. */
  #turn: Promise<unknown> = Promise.resolve();
  readonly #nodes = new WeakMap<FleetNode, Cached>();
  readonly #gpus = new WeakMap<FleetGpu, GpuLines>();

  constructor(fleet: Fleet, registry: Registry, further: FurtherLines = {}) {
    this.#further = further;
    this.#fleet = fleet;
    this.#registry = registry;
  }

  /**
   * The page of all nodes, in slices: 500,000 series are 70 ms of work, and agents and browsers do not wait for it. With `dcgm`
   * the page of dcgm-exporter follows; then the format is Prometheus text.
   */
  renderFleet(format: TextFormat, nowMs: number, dcgm = false): Promise<Page> {
    const render = async (): Promise<Page> => {
      const own = await this.#registry.getMetricsAsJSON();
      const { nodes, gpus } = this.#fleet;
      const page = this.#page;
      page.start();
      const pieces = this.#fleetPieces(page, { nodes, gpus, own, format, nowMs, dcgm });
      let begunMs = performance.now();
      while (pieces.next().done !== true) {
        if (performance.now() - begunMs < SLICE_MS) continue;
        await setImmediate();
        begunMs = performance.now();
      }
      return finish(page, format);
    };
    const done = this.#turn.then(render, render);
    this.#turn = done.catch(() => undefined);
    return done;
  }

  renderNode(node: FleetNode, format: TextFormat, nowMs: number, dcgm = false): Page {
    const page = this.#nodePage;
    page.start();
    const settings = { nodes: [node], gpus: this.#fleet.gpusOf(node), format, nowMs, withServer: false };
    const pieces = this.#nodePieces(page, settings);
    while (pieces.next().done !== true);
    if (dcgm) page.text(renderNodeDcgm(node, nowMs));
    return finish(page, format);
  }

  *#fleetPieces(page: PageBuffer, settings: FleetSettings): Pieces {
    const { nodes, own, format, nowMs, dcgm } = settings;
    yield* this.#nodePieces(page, { ...settings, withServer: true });
    this.#writeFabrics(page, format, nowMs);
    yield;
    this.#writeOwn(page, own, format);
    if (dcgm) page.text(renderFleetDcgm(nodes, nowMs));
  }

  *#nodePieces(page: PageBuffer, { nodes, gpus, format, nowMs, withServer }: NodeSettings): Pieces {
    const up = nodes
      .filter((node) => node.isUp(nowMs))
      .map((node): Upright => ({ node, decoder: node.decoder, ...this.#cached(node) }));
    yield;
    for (const [family, id] of agentMetricIds.entries()) {
      const head = new Head(page, id, format);
      const digits = digitsOf(id);
      let count = 0;
      for (const one of up) {
        if (id === 'unavailable') head.text(one.unavailable.of(one.node));
        else this.#writeFamily(page, one, { family, digits, head });
        // A family may have a thousand nodes.
        if (++count % 64 === 0) yield;
      }
      if (id === 'build_info' && withServer) head.text(serverBuildLine);
    }
    yield;
    yield* this.#derivedPieces(page, up, format);
    yield* this.#verdictPieces(page, gpus, format);
    yield* this.#judgedPieces(page, gpus, format);
    yield* this.#jobPieces(page, { gpus, format, nowMs });
    this.#writeStates(page, nodes, format, nowMs);
  }

  #writeFamily(
    page: PageBuffer,
    { decoder, lines: { prefixes, starts, indexes, families } }: Upright,
    { family, digits, head }: { family: number; digits: number; head: Head },
  ): void {
    const first = families[family] ?? 0;
    const end = families[family + 1] ?? 0;
    if (first === end) return;
    const { states, steps } = decoder;
    for (let line = first; line < end; line++) {
      const index = indexes[line] ?? 0;
      if (states[index] !== PRESENT) continue;
      head.write();
      page.copy(prefixes, starts[line] ?? 0, starts[line + 1] ?? 0);
      const value = steps[index] ?? 0;
      if (Number.isSafeInteger(value)) page.value(value, digits);
      else page.text(`${renderSteps(decoder.exact(index), 10 ** digits)}\n`);
    }
  }

  *#derivedPieces(page: PageBuffer, up: readonly Upright[], format: TextFormat): Pieces {
    const { derived } = this.#further;
    if (!derived) return;
    for (const id of derivedMetricIds) {
      const head = new Head(page, id, format);
      const digits = digitsOf(id);
      for (const { node } of up) {
        for (const series of derived.seriesOf(node, id)) {
          if (Number.isNaN(series.value)) continue;
          head.text(this.#derivedLines.prefixOf(node.name, series));
          page.value(Math.round(series.value * 10 ** digits), digits);
        }
      }
      yield;
    }
  }

  #writeFabrics(page: PageBuffer, format: TextFormat, nowMs: number): void {
    const { fabrics, switches } = this.#further;
    for (const { id, lines } of [...(fabrics?.families(nowMs) ?? []), ...(switches?.families() ?? [])]) {
      const head = new Head(page, id, format);
      for (const line of lines) head.text(line);
    }
  }

  *#verdictPieces(page: PageBuffer, gpus: readonly FleetGpu[], format: TextFormat): Pieces {
    const state = new Head(page, 'gpu_state', format);
    let count = 0;
    for (const gpu of gpus) {
      state.text(`${this.#linesOf(gpu).state(gpu.account.class)}1\n`);
      if (++count % 256 === 0) yield;
    }
    const seconds = new Head(page, 'gpu_state_seconds_total', format);
    for (const gpu of gpus) {
      for (const [leaf, ms] of gpu.account.published) {
        seconds.text(this.#linesOf(gpu).seconds(leaf));
        page.value(ms, 3);
      }
      if (++count % 256 === 0) yield;
    }
  }

  /** What the judge says beyond the class; nothing where it has not spoken. */
  *#judgedPieces(page: PageBuffer, gpus: readonly FleetGpu[], format: TextFormat): Pieces {
    const duty = new Head(page, 'gpu_effective_ratio', format);
    let count = 0;
    for (const gpu of gpus) {
      const effective = gpu.account.judgement?.verdict.effective ?? NaN;
      if (++count % 256 === 0) yield;
      if (Number.isNaN(effective)) continue;
      duty.text(this.#linesOf(gpu).effective);
      page.value(Math.round(effective * 1000), 3);
    }
    const sure = new Head(page, 'gpu_verdict_confidence', format);
    for (const gpu of gpus) {
      const confidence = gpu.account.judgement?.verdict.confidence;
      if (++count % 256 === 0) yield;
      if (confidence) sure.text(`${this.#linesOf(gpu).confidence}${confidences.indexOf(confidence) + 1}\n`);
    }
  }

  *#jobPieces(page: PageBuffer, { gpus, format, nowMs }: Pick<NodeSettings, 'gpus' | 'format' | 'nowMs'>): Pieces {
    const { jobs } = this.#further;
    if (!jobs) return;
    const info = new Head(page, 'gpu_job_info', format);
    const unknown = new Set<FleetGpu>();
    let count = 0;
    for (const gpu of gpus) {
      const owner = jobs.ownerOf(gpu.node.name, gpu.uuid, nowMs);
      if (!isAttributed(owner)) unknown.add(gpu);
      for (const job of owner.jobs) info.text(`${renderJob(gpu, job)}1\n`);
      if (++count % 256 === 0) yield;
    }
    const attributed = new Head(page, 'gpu_attributed', format);
    for (const gpu of gpus) {
      attributed.text(`${this.#linesOf(gpu).attributed}${unknown.has(gpu) ? 0 : 1}\n`);
      if (++count % 256 === 0) yield;
    }
  }

  /** The nodes as the server sees them; of a node that is down only this is left. */
  #writeStates(page: PageBuffer, nodes: readonly FleetNode[], format: TextFormat, nowMs: number): void {
    this.#writeNodeRow(page, 'node_up', nodes, format, (node) => (node.isUp(nowMs) ? 1 : 0));
    this.#writeNodeRow(page, 'node_last_sample_timestamp_seconds', nodes, format, (node) => node.lastSampleMs);
    this.#writeNodeRow(page, 'node_clock_offset_seconds', nodes, format, (node) =>
      node.isUp(nowMs) ? node.clockOffsetMs : undefined,
    );
  }

  #writeNodeRow(
    page: PageBuffer,
    id: 'node_up' | 'node_last_sample_timestamp_seconds' | 'node_clock_offset_seconds',
    nodes: readonly FleetNode[],
    format: TextFormat,
    stepsOf: (node: FleetNode) => number | undefined,
  ): void {
    const head = new Head(page, id, format);
    for (const node of nodes) {
      const steps = stepsOf(node);
      if (steps === undefined) continue;
      head.text(renderLinePrefix(metricName(id), ['node'], [node.name]));
      page.value(Math.round(steps), digitsOf(id));
    }
  }

  /** prom-client counts; the lines are written here, because its own OpenMetrics form renames its counters for good. */
  #writeOwn(page: PageBuffer, own: OwnMetrics, format: TextFormat): void {
    const byName = new Map(own.map((metric) => [metric.name, metric.values]));
    for (const id of serverMetricIds) {
      const name = metricName(id);
      const head = new Head(page, id, format);
      for (const { labels, value } of byName.get(name) ?? []) {
        const names = Object.keys(labels);
        head.text(`${renderLinePrefix(name, names, Object.values(labels).map(String))}${value}\n`);
      }
    }
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

interface NodeSettings {
  readonly nodes: readonly FleetNode[];
  readonly gpus: readonly FleetGpu[];
  readonly format: TextFormat;
  readonly nowMs: number;
  readonly withServer: boolean;
}

interface FleetSettings extends Omit<NodeSettings, 'withServer'> {
  readonly own: OwnMetrics;
  readonly dcgm: boolean;
}

function finish(page: PageBuffer, format: TextFormat): Page {
  if (format === 'openmetrics') page.text('# EOF\n');
  return page.finish();
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
