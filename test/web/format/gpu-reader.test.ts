// How GPUs are read, in words.
import { expect, test } from 'vitest';
import type { GpuReaderSummary } from '#server/contract';
import { countText, lacksGpus, outageSince, readerText } from '../../../web/format/gpu-reader.ts';
import { showClock } from '../../../web/format/time.ts';

const reader = (over: Partial<GpuReaderSummary> = {}): GpuReaderSummary => ({
  backend: 'nvidia_smi',
  profiling: 'dcgm_exporter',
  gpus_seen: 8,
  gpus_expected: 8,
  outage: null,
  ...over,
});

test.each([
  [reader(), 'nvidia-smi, profiling by dcgm-exporter'],
  [reader({ backend: 'nvml', profiling: 'gpm' }), 'NVML, profiling by GPM'],
  [reader({ backend: 'nvml', profiling: 'none' }), 'NVML, no profiling'],
  [reader({ backend: '' }), null],
])('%j', (summary, text) => {
  expect(readerText(summary)).toBe(text);
});

test.each([
  [reader(), '8 of 8 GPUs', false],
  [reader({ gpus_seen: 7 }), '7 of 8 GPUs', true],
  [reader({ gpus_seen: 1, gpus_expected: 1 }), '1 of 1 GPU', false],
  [reader({ gpus_expected: null }), '8 of 8 GPUs', false],
  [reader({ gpus_seen: null }), 'none of 8 GPUs', true],
  [reader({ gpus_seen: null, gpus_expected: null }), null, false],
])('%j counts', (summary, text, lacks) => {
  expect(countText(summary)).toBe(text);
  expect(lacksGpus(summary)).toBe(lacks);
});

test('an outage has its time of day', () => {
  const since_ms = new Date(2026, 0, 2, 14, 32, 5).getTime();
  expect(showClock(since_ms)).toBe('14:32:05');
  expect(outageSince({ kind: 'driver_hangs', reason: 'timed_out', since_ms, text: 'GPU driver not answering' })).toBe(
    'GPU driver not answering since 14:32:05',
  );
});
