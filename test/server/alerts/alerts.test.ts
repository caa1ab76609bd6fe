// Alerts: pending at once, firing after the configured time, gone with their condition.
import { beforeEach, describe, expect, test } from 'vitest';
import { Alerts } from '../../../server/alerts/alerts.ts';
import { renderDuration } from '../../../server/alerts/texts.ts';
import { defaultConfig, gpuSeries, StandInNode, START_MS } from '../stand-in.ts';

let one: StandInNode;
let alerts: Alerts;
beforeEach(() => {
  one = new StandInNode('node07');
  alerts = new Alerts(one.fleet, defaultConfig);
});

function run(seconds: number, values: Parameters<typeof gpuSeries>[0]): void {
  for (let second = 0; second < seconds; second++) {
    one.samples(1, gpuSeries({ gpu: '3', ...values }));
    alerts.renew(one.clock.ms);
  }
}
function silence(seconds: number): void {
  for (let second = 0; second < seconds; second++) {
    one.silence(1);
    alerts.renew(one.clock.ms);
  }
}
const idle = { busy: 0, processes: 1, memoryUsed: 31.2e9 };
const brief = () => alerts.current.map(({ kind, state, severity }) => `${kind} ${state} ${severity}`);

describe('a GPU held idle', () => {
  test('is pending, then fires, in a sentence with its evidence', () => {
    run(120, idle);
    expect(brief()).toEqual(['gpu_held_idle pending warning']);
    run(720, idle);
    expect(alerts.current).toEqual([
      {
        id: 'gpu_held_idle:node07:3:GPU-3',
        kind: 'gpu_held_idle',
        severity: 'warning',
        state: 'firing',
        node: 'node07',
        gpu: '3',
        uuid: 'GPU-3',
        since_ms: START_MS,
        text: 'node07 GPU 3 is held idle for 14 min: 1 process, 0 % busy, 31 GB held',
      },
    ]);
  });

  test('is critical after 4 h', () => {
    run(60, idle);
    one.clock.ms += 4 * 3_600_000;
    run(20, idle);
    expect(brief()).toEqual(['gpu_held_idle pending warning']);
    run(4 * 3600, idle);
    expect(brief()).toEqual(['gpu_held_idle firing critical']);
  });

  test('is over when it works or is free', () => {
    run(700, idle);
    run(60, { busy: 80, processes: 1 });
    expect(brief()).toEqual([]);
    run(700, idle);
    run(30, { busy: 0, processes: 0 });
    expect(brief()).toEqual([]);
  });

  test('leaves out what cannot be read', () => {
    run(60, { busy: 0, processes: 'forbidden', memoryUsed: 1.26e9 });
    expect(alerts.current[0]?.text).toBe('node07 GPU 3 is held idle for 1 min: 0 % busy, 1.3 GB held');
  });
});

describe('a GPU that is underused', () => {
  test('fires after its minute stayed below the threshold for long', () => {
    run(300, { busy: 12, processes: 2, memoryUsed: 4e9 });
    expect(brief()).toEqual(['gpu_underused pending warning']);
    run(302, { busy: 12, processes: 2, memoryUsed: 4e9 });
    expect(brief()).toEqual(['gpu_underused firing warning']);
    expect(alerts.current[0]?.text).toBe('node07 GPU 3 is underused for 10 min: 2 processes, 12 % busy, 4.0 GB held');
  });

  test('is none at the threshold', () => {
    run(120, { busy: 20, processes: 1 });
    expect(brief()).toEqual([]);
  });
});

describe('a node that is down', () => {
  test('has one alert, the GPUs of it none', () => {
    run(700, idle);
    silence(6);
    expect(brief()).toEqual(['node_down pending warning']);
    silence(30);
    expect(alerts.current).toMatchObject([
      {
        kind: 'node_down',
        state: 'firing',
        gpu: null,
        text: 'node07 delivers nothing for 37 s; its GPU is not observed',
      },
    ]);
    run(1, idle);
    expect(alerts.current.some(({ kind }) => kind === 'node_down')).toBe(false);
  });
});

test.each([
  [59_999, '59 s'],
  [60_000, '1 min'],
  [3_600_000, '1 h'],
  [12_000_000, '3 h 20 min'],
  [86_400_000, '1 d'],
  [190_800_000, '2 d 5 h'],
])('%d ms is %s', (ms, text) => {
  expect(renderDuration(ms)).toBe(text);
});
