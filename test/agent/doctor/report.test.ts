// What the doctor prints: marks that are words, columns that are straight, colour only where it is wanted.
import { expect, test } from 'vitest';
import { judgeAbilities } from '../../../agent/doctor/capabilities.ts';
import { judgeNode } from '../../../agent/doctor/judge.ts';
import { renderDocument, renderText, type Report } from '../../../agent/doctor/report.ts';
import { healthy, withGpu } from './healthy.ts';

const ill = withGpu({ withoutPersistence: ['2'], switches: 0 }, { mounts: { count: 0, silent: [] } });
const report: Report = {
  node: 'node07',
  time: '2026-01-02T03:04:05.000Z',
  findings: judgeNode(ill).slice(0, 4),
  abilities: judgeAbilities(new Set(['gpu_utilization_ratio', 'gpu_processes'])),
};

test('text: what, why and the command below each other', () => {
  expect(renderText({ ...report, abilities: [] }, false)).toBe(
    [
      'node07: 1 thing to look at',
      '',
      'GPUs           ok       8 of 8 GPUs answer (Tesla V100-SXM3-32GB, driver 535.183.01)',
      '               ok       read through NVML',
      '               warning  persistence mode is off on GPU 2',
      '                        why: without a client the driver unloads the GPU: the first start of each job is slow, and counters begin anew',
      '                        fix: sudo nvidia-smi -pm 1',
      'Profiling      ok       SM and tensor activity by dcgmi',
      '',
      'There is no GPU here to be judged.',
      '',
    ].join('\n'),
  );
});

test('verdicts: first what it can show, then what less surely, then what not and why', () => {
  const text = renderText(report, false);
  const verdicts = text.slice(text.indexOf('What the readings')).split('\n');
  const words = verdicts.slice(1, -1).map((line) => line.slice(0, 15).trim());
  expect(words).toEqual(words.toSorted((a, b) => 'yes less sure no'.indexOf(a) - 'yes less sure no'.indexOf(b)));
  expect(verdicts).toContain('yes            held.idle');
  expect(verdicts).toContain(
    'no             starved.h2d              needs gpu_pcie_rx_bytes_total or gpu_pcie_rx_bytes_per_second',
  );
  expect(verdicts).toContain(
    'no             held.no_process          needs the job scheduler, which this version does not ask',
  );
});

test('a node whose GPUs are not read can show no more than that', () => {
  const text = renderText(
    { ...report, abilities: judgeAbilities(new Set(['gpu_reader_stuck', 'gpus_expected'])) },
    false,
  );
  expect(text.slice(text.indexOf('What the readings')).split('\n')).toEqual([
    'What the readings of this node can show',
    'yes            unobserved',
    'less sure      out.fault                surer with gpu_ecc_errors_total or gpu_remapped_rows or gpu_retired_pages',
    'Nothing else: no GPU is read.',
    '',
  ]);
});

test('colour paints the marks alone', () => {
  const plain = renderText(report, false);
  const painted = renderText(report, true);
  expect(plain).not.toContain('\u001b');
  expect(painted).toContain('\u001b[33mwarning  \u001b[0mpersistence');

  expect(painted.replaceAll(/\u001b\[\d+m/g, '')).toBe(plain);
});

test('JSON: every finding and every class', () => {
  const document = renderDocument(report);
  expect(document).toMatchObject({ schema_version: 1, node: 'node07', time: report.time });
  expect(document.findings[2]).toEqual({
    area: 'gpu',
    mark: 'warning',
    what: 'persistence mode is off on GPU 2',
    why: expect.stringContaining('unloads') as string,
    fix: 'sudo nvidia-smi -pm 1',
    look: null,
  });
  expect(document.verdicts).toHaveLength(29);
  expect(document.verdicts.find((one) => one.class === 'comm.nvlink')).toMatchObject({
    can: 'no',
    missing_metrics: [
      ['whyidle_gpu_sm_active_ratio', 'whyidle_gpu_energy_joules_total', 'whyidle_gpu_power_watts'],
      ['whyidle_gpu_nvlink_rx_bytes_total', 'whyidle_gpu_nvlink_rx_bytes_per_second'],
    ],
  });
  expect(renderDocument({ ...report, findings: judgeNode(healthy) }).findings.every(({ fix }) => fix === null)).toBe(
    true,
  );
});
