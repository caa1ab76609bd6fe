// What a wait tick is worth: the table, the proof, the configuration, and what a port shows.
import { describe, expect, it } from 'vitest';
import { PortWait } from '../../../agent/collectors/infiniband/port-wait.ts';
import { provesSmallTick, tickBytesOf } from '../../../agent/collectors/infiniband/wait-tick.ts';
import { PRESENT } from '#agent/contract';
import { Snapshot } from '../../../agent/snapshot.ts';

const unknown = { hcaType: 'MT4119', lanes: 4, configured: undefined, learned: false };
/** EDR at 4X: 12.5 GB/s. Fully blocked it counts 97.66 million ticks of 128 bytes a second, or 1562.5 million of 8. */
const edr = { seconds: 1, lanes: 4, dataBytesPerSecond: 12.5e9 };

describe('the table', () => {
  it.each([
    ['MT4123', 4, 8], // ConnectX-6
    ['MT4129', 4, 8], // ConnectX-7
    ['MT41692', 2, 8], // BlueField-3
    ['MT4099', 4, 128], // ConnectX-3: 32 bytes on each lane
    ['MT4099', 1, 32],
    ['MT4115', 4, undefined], // ConnectX-4: not said which
    ['MT4119', 4, undefined], // ConnectX-5
    ['', 4, undefined],
    ['MT4099', undefined, undefined],
  ])('%s at %s lanes: %s', (hcaType, lanes, expected) => {
    expect(tickBytesOf({ ...unknown, hcaType, lanes })).toBe(expected);
  });

  it('gives way to a proof, and everything to the configuration', () => {
    expect(tickBytesOf({ ...unknown, learned: true })).toBe(8);
    expect(tickBytesOf({ ...unknown, hcaType: 'MT4099', learned: true })).toBe(8);
    expect(tickBytesOf({ ...unknown, hcaType: 'MT4123', learned: true, configured: 128 })).toBe(128);
  });
});

describe('the proof', () => {
  it.each([
    ['blocked all the time with ticks of 128 bytes', 97_660_000, false],
    ['a little more, within what two clocks may differ', 105_000_000, false],
    ['more than time has', 110_000_000, true],
    ['blocked all the time with ticks of 8 bytes', 1_562_500_000, true],
    ['idle', 0, false],
  ])('%s', (_, ticks, expected) => {
    expect(provesSmallTick({ ...edr, ticks })).toBe(expected);
  });

  it('counts a single lane for what it is', () => {
    const lane = { seconds: 1, lanes: 1, dataBytesPerSecond: 3.125e9 };
    expect(provesSmallTick({ ...lane, ticks: 97_000_000 })).toBe(false);
    expect(provesSmallTick({ ...lane, ticks: 110_000_000 })).toBe(true);
  });

  it('is not drawn from an instant, nor from a port without a rate', () => {
    expect(provesSmallTick({ ...edr, ticks: 1e9, seconds: 0.01 })).toBe(false);
    expect(provesSmallTick({ ...edr, ticks: 1e9, seconds: 0 })).toBe(false);
    expect(provesSmallTick({ ...edr, ticks: 1e9, dataBytesPerSecond: 0 })).toBe(false);
  });
});

describe('a port', () => {
  function portWith(learned: Set<string>, configured?: number, hcaType = 'MT4119') {
    const series = new Snapshot()
      .group()
      .gauge('infiniband_port_transmit_wait_tick_bytes', { device: 'mlx5_0', port: '1' });
    const wait = new PortWait(series, { hcaType, configured, device: 'mlx5_0', learned });
    const shown = () => {
      wait.show(4);
      return series.state === PRESENT ? series.steps : undefined;
    };
    return { wait, shown };
  }

  it('shows nothing until it has proved something, and then tells its kind', () => {
    const learned = new Set<string>();
    const { wait, shown } = portWith(learned);
    wait.observe(1000, 0, edr);
    expect(shown()).toBeUndefined();
    wait.observe(1000 + 200_000_000, 1000, edr);
    expect(shown()).toBe(8);
    expect(portWith(learned).shown()).toBe(8);
    expect(portWith(learned, undefined, 'MT4115').shown()).toBeUndefined();
  });

  it('draws nothing from a reset, a counter at its ceiling, a gap or a port without a rate', () => {
    const learned = new Set<string>();
    const { wait } = portWith(learned);
    wait.observe(4_000_000_000, 0, edr);
    wait.observe(500_000_000, 1000, edr);
    wait.observe(undefined, 2000, edr);
    wait.observe(4_294_967_295, 3000, edr);
    wait.observe(4_294_967_295, 4000, edr);
    wait.observe(0, 5000, undefined);
    wait.observe(2_000_000_000, 6000, undefined);
    expect(learned.size).toBe(0);
  });

  it('leaves what is configured alone', () => {
    const learned = new Set<string>();
    const { wait, shown } = portWith(learned, 128);
    wait.observe(0, 0, edr);
    wait.observe(1_000_000_000, 1000, edr);
    expect(shown()).toBe(128);
    expect(learned.size).toBe(0);
  });
});
