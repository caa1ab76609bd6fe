// The order of the node table.
import { expect, test } from 'vitest';
import type { NodeSummary } from '#server/contract';
import { keepOrder, sortNodes, type NodeRow } from '../../../web/parts/node-sort.ts';

const row = (name: string, cpu: number | null, busyPercent: number | null = null): NodeRow => ({
  busyPercent,
  node: {
    name,
    up: true,
    last_sample_ms: 0,
    clock_offset_seconds: null,
    agent_version: '',
    product: '',
    gpus: 0,
    disks: 0,
    infiniband_ports: 0,
    classes: {},
    cpu_busy_ratio: cpu,
    disk_read_bytes_per_second: null,
    disk_written_bytes_per_second: null,
    infiniband_bytes_per_second: null,
    missing: [],
    gpu_reader: null,
  } satisfies NodeSummary,
});
const names = (rows: readonly NodeRow[]): readonly string[] => rows.map(({ node }) => node.name);
const rows = [row('node10', 0.5, 90), row('node2', null), row('node1', 0.9, 10)];

test('names count as people do', () => {
  expect(names(sortNodes(rows, { column: 'name', down: false }))).toEqual(['node1', 'node2', 'node10']);
});

test('who tells no value comes last both ways', () => {
  expect(names(sortNodes(rows, { column: 'cpu', down: true }))).toEqual(['node1', 'node10', 'node2']);
  expect(names(sortNodes(rows, { column: 'cpu', down: false }))).toEqual(['node10', 'node1', 'node2']);
  expect(names(sortNodes(rows, { column: 'busy', down: false }))).toEqual(['node1', 'node10', 'node2']);
});

test('a frozen order stays, and newcomers go to its end', () => {
  expect(names(keepOrder([...rows, row('node3', 1)], ['node2', 'node10', 'node1']))).toEqual([
    'node2',
    'node10',
    'node1',
    'node3',
  ]);
});
