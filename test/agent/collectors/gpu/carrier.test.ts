// Which source carries a node while others fail, hang, and come back.
import { describe, expect, it } from 'vitest';
import { Carrier } from '../../../../agent/collectors/gpu/carrier.ts';
import { silentLog } from '../../../../agent/log.ts';
import { PlayedSource } from '../../../doubles/played-source.ts';

class Node {
  nowMs = 0;
  hangs = false;
  readonly nvml = new PlayedSource('nvml');
  readonly smi = new PlayedSource('nvidia_smi');
  readonly page = new PlayedSource('dcgm_exporter');
  readonly said: string[] = [];
  readonly carrier = new Carrier({
    sources: [this.nvml, this.smi, this.page],
    intervalMs: 1000,
    monotonicMs: () => this.nowMs,
    driverHangs: () => this.hangs,
    log: { ...silentLog, warn: (message) => this.said.push(message) },
  });

  /** One second passes; these sources deliver in it. */
  second(...delivering: readonly PlayedSource[]): void {
    this.nowMs += 1000;
    for (const source of delivering) source.deliver(this.nowMs);
    this.carrier.tick();
  }

  get by(): string | undefined {
    return this.carrier.source?.name;
  }
}

describe('the best source', () => {
  it('carries alone while it delivers', () => {
    const node = new Node();
    for (let second = 0; second < 5; second++) node.second(node.nvml);
    expect([node.by, node.smi.runs, node.page.runs]).toEqual(['nvml', 0, 0]);
    expect(node.said).toEqual([]);
  });

  it('is given time to start', () => {
    const node = new Node();
    node.carrier.tick();
    node.second();
    node.second();
    expect(node.smi.runs).toBe(0);
    node.second();
    expect(node.smi.runs).toBeGreaterThan(0);
    expect(node.carrier.state.kind).toBe('starting');
  });
});

describe('when the best source fails', () => {
  it('the next one carries at once, and it is said', () => {
    const node = new Node();
    node.second(node.nvml);
    node.nvml.fail('malformed');
    node.second();
    node.second(node.smi);
    expect(node.by).toBe('nvidia_smi');
    expect(node.carrier.state.kind).toBe('delivering');
    expect(node.said).toHaveLength(1);
  });

  it('late by two ticks is enough for the next one to carry within three seconds', () => {
    const node = new Node();
    node.second(node.nvml);
    node.second();
    expect(node.smi.runs).toBe(0);
    node.second();
    expect(node.smi.runs).toBeGreaterThan(0);
    node.second(node.smi);
    expect(node.by).toBe('nvidia_smi');
  });

  it('takes over again only when it has delivered for three seconds, and the lesser one rests', () => {
    const node = new Node();
    node.nvml.fail('timed_out');
    node.second(node.smi);
    expect(node.by).toBe('nvidia_smi');
    node.second(node.nvml, node.smi);
    node.second(node.nvml, node.smi);
    node.second(node.nvml, node.smi);
    expect(node.by).toBe('nvidia_smi');
    node.second(node.nvml, node.smi);
    expect([node.by, node.smi.pauses]).toEqual(['nvml', 1]);
    const { runs } = node.smi;
    node.second(node.nvml);
    expect(node.smi.runs).toBe(runs);
  });

  it('is not trusted while it comes and goes', () => {
    const node = new Node();
    node.nvml.fail('timed_out');
    node.second(node.smi);
    for (let round = 0; round < 4; round++) {
      node.second(node.nvml, node.smi);
      node.second(node.nvml, node.smi);
      node.nvml.fail('malformed');
      node.second(node.smi);
    }
    expect([node.by, node.smi.pauses]).toEqual(['nvidia_smi', 0]);
  });
});

describe('while a child hangs in the driver', () => {
  it('nobody else asks it, but a page of another program is read', () => {
    const node = new Node();
    node.second(node.nvml);
    node.hangs = true;
    node.nvml.state = { kind: 'stuck', pid: 7 };
    node.second();
    node.second(node.page);
    expect([node.smi.runs, node.by]).toEqual([0, 'dcgm_exporter']);
    expect(node.carrier.state.kind).toBe('delivering');
  });

  it('and nothing delivers, that is what is said', () => {
    const node = new Node();
    node.second(node.nvml);
    node.hangs = true;
    node.nvml.state = { kind: 'stuck', pid: 7 };
    node.page.fail('not_present');
    node.second();
    expect(node.carrier.state).toEqual({ kind: 'stuck', pid: 7 });
  });

  it('the next one is asked as soon as it hangs no more', () => {
    const node = new Node();
    node.nvml.state = { kind: 'stuck', pid: 7 };
    node.page.fail('not_present');
    node.hangs = true;
    node.second();
    node.hangs = false;
    node.second();
    expect(node.smi.runs).toBe(1);
  });
});

describe('where nothing delivers', () => {
  it('a reason that says more than "not there" counts', () => {
    const node = new Node();
    node.nvml.fail('not_present');
    node.smi.fail('forbidden');
    node.page.fail('not_present');
    node.second();
    expect(node.carrier.state).toMatchObject({ kind: 'failed', reason: 'forbidden' });
  });

  it('no source at all', () => {
    const carrier = new Carrier({
      ...{ sources: [], intervalMs: 1000, monotonicMs: () => 0, driverHangs: () => false, log: silentLog },
    });
    carrier.tick();
    expect([carrier.source, carrier.state]).toMatchObject([undefined, { kind: 'failed', reason: 'not_present' }]);
  });
});

it('stops every source', () => {
  const node = new Node();
  node.carrier.stop();
  expect([node.nvml.stops, node.smi.stops, node.page.stops]).toEqual([1, 1, 1]);
});
