// Logs of nvidia-smi of real machines, from ../shared/corpus/traces/real: no process, no profiling, whatever cadence.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { gpuSignals, nodeSignals, type GpuFacts, type GpuSignals, type NodeSecond } from '#agent/contract';
import { judgeEpisode } from '../../server/diagnosis/judge-episode.ts';
import type { JudgedSlot } from '../../server/diagnosis/judged-episode.ts';
import { leftOut } from '../left-out.ts';

const corpus = join(import.meta.dirname, '../../../shared/corpus/traces/real');
const present = existsSync(corpus);
if (!present) leftOut('corpus/traces-real', 'the corpus is not here', { evenInCi: true });

const MIB = 1024 * 1024;

interface Reading {
  readonly timeMs: number;
  readonly gpu: string;
  readonly signals: GpuSignals;
}

const rowsOf = (file: string): readonly (readonly string[])[] =>
  readFileSync(join(corpus, file), 'utf8')
    .split('\n')
    .map((line) => line.split(',').map((cell) => cell.trim()));
const numberOf = (cell: string | undefined): number => Number.parseFloat(cell ?? '');

/** Nobody tells who has which GPU. */
function judge(readings: readonly Reading[], known: Partial<GpuFacts>): readonly JudgedSlot[] {
  const gpus = [...new Set(readings.map(({ gpu }) => gpu))];
  const facts: GpuFacts[] = gpus.map((gpu) => ({
    ...{
      gpu,
      uuid: gpu,
      model: '',
      memoryBytes: NaN,
      powerLimitW: NaN,
      powerDefaultW: NaN,
      clockMaxHz: NaN,
      pcieBps: NaN,
    },
    ...{ pcieGenerationMax: NaN, pcieWidthMax: NaN, nvlinkBps: NaN, contextW: NaN, slowdownC: NaN },
    ...known,
  }));
  const times = Map.groupBy(readings, ({ timeMs }) => timeMs);
  const seconds = [...times].map(([timeMs, some]): NodeSecond => ({
    timeMs,
    node: nodeSignals({}),
    gpus: gpus.map((gpu) => some.find((one) => one.gpu === gpu)?.signals),
  }));
  return judgeEpisode({ nodes: [{ node: 'n', cpus: NaN, gpus: facts }], jobs: undefined, seconds: [seconds] }).slots;
}

describe.skipIf(!present)('logs of nvidia-smi', () => {
  test('eight H100 with nothing running are free, not held', () => {
    const readings = rowsOf('smi-8xh100-idle-1hz.csv').flatMap(
      ([time = '', gpu = '', busy, memory, , power]): readonly Reading[] => {
        const timeMs = Date.parse(time);
        const signals = gpuSignals({
          busy: numberOf(busy) / 100,
          memoryUsedBytes: numberOf(memory) * MIB,
          powerW: numberOf(power),
        });
        return Number.isNaN(timeMs) ? [] : [{ timeMs, gpu, signals }];
      },
    );
    const slots = judge(readings, { powerLimitW: 700, powerDefaultW: 700 });
    expect(slots.length).toBeGreaterThanOrEqual(8);
    expect(new Set(slots.map(({ cause }) => cause))).toEqual(new Set(['free']));
  });

  test('a card that federated experiments hold is held idle, and free between them', () => {
    const readings = rowsOf('smi-20gb-fl-5s.csv').flatMap(([time = '', busy, , used]): readonly Reading[] => {
      const timeMs = Date.parse(`${time.replaceAll('/', '-').replace(' ', 'T')}Z`);
      const signals = gpuSignals({ busy: numberOf(busy) / 100, memoryUsedBytes: numberOf(used) * MIB });
      return Number.isNaN(timeMs) ? [] : [{ timeMs, gpu: '0', signals }];
    });
    const at = (clock: string): number => Date.parse(`2026-04-25T${clock}Z`) / 1000;
    const held = [
      ['16:10:47', '16:23:29'],
      ['16:42:53', '17:14:07'],
      ['17:19:18', '17:47:31'],
      ['17:52:32', '17:59:53'],
      ['18:04:43', '18:21:30'],
    ].map(([from = '', to = '']) => [at(from), at(to)] as const);
    const within = ({ tS }: JudgedSlot): boolean => held.some(([from, to]) => tS >= from && tS + 10 <= to);
    const apart = ({ tS }: JudgedSlot): boolean => held.every(([from, to]) => tS + 10 < from || tS > to);
    const slots = judge(readings, {});
    const share = (some: readonly JudgedSlot[]): number =>
      some.filter(({ cause }) => cause === 'held.idle').length / some.length;
    expect(slots.filter(within).length).toBeGreaterThan(500);
    expect(share(slots.filter(within))).toBeGreaterThanOrEqual(0.95);
    expect(share(slots.filter(apart))).toBeLessThanOrEqual(0.02);
  });

  test('a card that a program on the CPU feeds is used, not held idle', () => {
    const readings = rowsOf('smi-v100s-video-1hz.csv').flatMap(
      ([time = '', gpu = '', , busy, , , used]): readonly Reading[] => {
        const timeMs = Date.parse(`${time.replaceAll('/', '-').replace(' ', 'T')}Z`);
        const signals = gpuSignals({ busy: numberOf(busy) / 100, memoryUsedBytes: numberOf(used) * MIB });
        return Number.isNaN(timeMs) ? [] : [{ timeMs, gpu, signals }];
      },
    );
    const causes = judge(readings, {}).map(({ cause }) => cause);
    expect(causes).not.toContain('held.idle');
    expect(causes).toContain('free');
  });
});
