// What the node is: etc/os-release, proc/sys/kernel, sys/class/dmi/id, and when it booted.
import { isAbsent, timestampSeconds } from '#agent/contract';
import pkg from '../../package.json' with { type: 'json' };
import { parseOsName } from '../parse/os-release.ts';
import { ProcStatParser } from '../parse/stat.ts';
import type { SeriesGroup } from '../snapshot.ts';
import type { Tree } from '../sources/tree.ts';
import { AreaPresence } from './area.ts';
import type { Collector, CollectorContext, Reader, ReadResult } from './collector.ts';
import { ParsedFile } from './parsed-file.ts';

export const host: Collector = { area: 'host', start: (context) => new HostReader(context) };

class HostReader implements Reader {
  readonly #context: CollectorContext;
  readonly #presence: AreaPresence;
  readonly #group: SeriesGroup;
  #written = '';

  constructor(context: CollectorContext) {
    this.#context = context;
    this.#presence = new AreaPresence('host', context);
    this.#group = context.snapshot.group();
  }

  discover(): void {
    const facts = describeHost(this.#context.tree);
    const booted = bootSecondsOf(this.#context);
    const silent = booted === undefined && Object.values(facts).every((fact) => fact === '');
    this.#presence.set(silent ? 'not_present' : undefined);
    const text = JSON.stringify([facts, booted]);
    if (text === this.#written) return;
    this.#written = text;
    this.#group.clear();
    this.#group.info('node_info', { ...facts, agent_version: pkg.version, via: this.#context.tree.via });
    const boot = this.#group.gauge('node_boot_timestamp_seconds', {});
    if (booted !== undefined) boot.set(timestampSeconds(booted));
  }

  /** Nothing of it changes between two discoveries. */
  read(): ReadResult {
    return 'ok';
  }

  stop(): void {
    this.#context.snapshot.remove(this.#group);
    this.#presence.remove();
  }
}

function describeHost(
  tree: Tree,
): Readonly<Record<'kernel' | 'os' | 'arch' | 'product' | 'vendor' | 'boot_id', string>> {
  const release = tree.text('etc/os-release');
  return {
    kernel: tree.word('proc/sys/kernel/osrelease') ?? '',
    os: isAbsent(release) ? '' : parseOsName(release),
    arch: tree.arch,
    product: tree.word('sys/class/dmi/id/product_name') ?? '',
    vendor: tree.word('sys/class/dmi/id/sys_vendor') ?? '',
    boot_id: tree.word('proc/sys/kernel/random/boot_id') ?? '',
  };
}

function bootSecondsOf(context: CollectorContext): number | undefined {
  const file = new ParsedFile(context, 'proc/stat', new ProcStatParser());
  const stat = file.read();
  file.close();
  return isAbsent(stat) ? undefined : stat.bootSeconds;
}
