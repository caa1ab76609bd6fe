// `whyidle sample`: what one agent reads here, printed; no server.
import { systemClock } from './clock.ts';
import { ChildCosts } from './child-costs.ts';
import { collectors } from './collectors/index.ts';
import { createCommandRunner } from './command.ts';
import { renderCompat } from './compat/index.ts';
import type { SampleConfig } from './config.ts';
import { renderDocument, TextPage } from './exposition.ts';
import { readNodeName } from './identity.ts';
import type { Log } from './log.ts';
import { createNodeReaders } from './node-readers.ts';
import { Scheduler } from './scheduler.ts';
import { SelfMetrics } from './self.ts';
import { Snapshot } from './snapshot.ts';
import { Tree } from './sources/tree.ts';

export interface SampleOutput {
  readonly write: (text: string) => void;
  readonly log: Log;
}

export async function printSamples(config: SampleConfig, output: SampleOutput): Promise<void> {
  const clock = systemClock;
  const { log } = output;
  const tree = new Tree(config['agent.root']);
  const snapshot = new Snapshot();
  const commands = createCommandRunner();
  const intervalMs = config['agent.interval'];
  const { gpuSources, infiniband } = config;
  const node = readNodeName(tree);
  const self = new SelfMetrics(snapshot);
  const children = new ChildCosts(snapshot, commands);
  const readers = createNodeReaders({
    ...{ collectors, tree, snapshot, commands, gpuSources, infiniband, intervalMs, clock, log },
  });
  const scheduler = new Scheduler({ clock, intervalMs, readers, onSample: () => undefined });
  const page = new TextPage(snapshot, node);
  const startMs = clock.monotonicMs();
  for (let reading = 0; reading < config['sample.count']; reading++) {
    if (reading > 0) await until(startMs + reading * intervalMs);
    const timeMs = await scheduler.readAll();
    self.read();
    children.read();
    output.write(render(config, { snapshot, node, timeMs, page, tree }));
  }
  await scheduler.stop();
  commands.stopAll();
  tree.close();
}

interface Reading {
  readonly snapshot: Snapshot;
  readonly node: string;
  readonly timeMs: number;
  readonly page: TextPage;
  readonly tree: Tree;
}

/** One line of JSON, or one page. Other exporters' names exist as text only. */
function render(config: SampleConfig, { snapshot, node, timeMs, page, tree }: Reading): string {
  if (config['sample.format'] === 'prom') {
    const compat = new Set(config['agent.compat']);
    return (
      page.render('prometheus') +
      [...compat].map((name) => renderCompat(name, { tree, snapshot, node, infiniband: config.infiniband })).join('')
    );
  }
  return `${JSON.stringify(renderDocument(snapshot, node, timeMs))}\n`;
}

function until(monotonicMs: number): Promise<void> {
  return new Promise((resolve) => {
    systemClock.after(Math.max(0, monotonicMs - systemClock.monotonicMs()), resolve);
  });
}
