// The table of what a node can show: every leaf class once, and its answers for three nodes.
import { describe, expect, test } from 'vitest';
import type { AgentMetricId } from '#agent/contract';
import { leafClasses } from '#server/contract';
import { capabilities, judgeAbilities } from '../../../agent/doctor/capabilities.ts';

test('every leaf class of the vocabulary is in the table once', () => {
  expect(capabilities.flatMap(({ classes }) => classes).toSorted()).toEqual(leafClasses.toSorted());
});

const canOf = (metrics: readonly AgentMetricId[], leaf: string) =>
  judgeAbilities(new Set(metrics)).find(({ capability }) => capability.classes.includes(leaf));

describe('a class', () => {
  test('needs one metric of each group', () => {
    expect(canOf([], 'starved.h2d')).toMatchObject({ can: 'no', missing: [expect.anything(), expect.anything()] });
    expect(canOf(['gpu_utilization_ratio'], 'starved.h2d')).toMatchObject({
      can: 'no',
      missing: [['gpu_pcie_rx_bytes_total', 'gpu_pcie_rx_bytes_per_second']],
    });
    expect(canOf(['gpu_utilization_ratio', 'gpu_pcie_rx_bytes_per_second'], 'starved.h2d')?.can).toBe('partly');
  });

  test('is less sure without the better ones', () => {
    const plain: readonly AgentMetricId[] = ['gpu_utilization_ratio'];
    expect(canOf(plain, 'productive.compute')).toMatchObject({
      can: 'partly',
      missing: [['gpu_sm_active_ratio'], ['gpu_tensor_active_ratio']],
    });
    const profiled: readonly AgentMetricId[] = [...plain, 'gpu_sm_active_ratio', 'gpu_tensor_active_ratio'];
    expect(canOf(profiled, 'productive.compute')).toMatchObject({ can: 'yes', missing: [] });
  });

  test('that takes what no node tells is never possible', () => {
    expect(canOf(['gpu_processes', 'gpu_memory_used_bytes'], 'held.no_process')).toMatchObject({
      can: 'no',
      missing: [],
    });
    expect(canOf([], 'unobserved')?.can).toBe('yes');
  });
});
