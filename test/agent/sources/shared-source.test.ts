import { describe, expect, it } from 'vitest';
import { shareSource } from '../../../agent/sources/shared-source.ts';
import { PlayedSource } from '../../doubles/played-source.ts';

describe('a source that two ask', () => {
  const start = () => {
    const source = new PlayedSource('dcgm_exporter');
    const [carrier, beside] = shareSource(source);
    return { source, carrier, beside };
  };

  it('keeps its readings while one of them still wants it', () => {
    const { source, carrier, beside } = start();
    carrier.keepRunning();
    beside.keepRunning();
    source.deliver(1);
    beside.pause();
    expect(carrier.state).toMatchObject({ kind: 'delivering' });
    expect(source.pauses).toBe(0);
    carrier.pause();
    expect(source.pauses).toBe(1);
  });

  it('does not take them from the other when one rests that never ran, or rests twice', () => {
    const { source, carrier, beside } = start();
    carrier.keepRunning();
    source.deliver(1);
    beside.pause();
    beside.pause();
    expect([source.pauses, carrier.state.kind]).toEqual([0, 'delivering']);
  });

  it('runs again for whoever wants it first', () => {
    const { source, carrier, beside } = start();
    carrier.keepRunning();
    carrier.pause();
    beside.keepRunning();
    source.deliver(2);
    expect([source.runs, beside.state.kind, beside.name]).toEqual([2, 'delivering', 'dcgm_exporter']);
    beside.stop();
    expect(source.stops).toBe(1);
  });
});
