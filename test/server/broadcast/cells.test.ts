// One cell per GPU: its class, its figures, and whether an alert speaks of it.
import { expect, test } from 'vitest';
import { leafClasses, readCell, type Alert } from '#server/contract';
import { buildCells } from '../../../server/broadcast/cells.ts';
import { gpuSeries, StandInNode } from '../stand-in.ts';

const alert = (over: Partial<Alert>): Alert => ({
  id: 'a',
  kind: 'gpu_lost',
  severity: 'critical',
  state: 'firing',
  node: 'n',
  gpu: null,
  uuid: null,
  since_ms: 0,
  text: '',
  ...over,
});

test.each([
  ['of one GPU marks that one', alert({ gpu: '1', uuid: 'GPU-1' }), [false, true]],
  ['that is only pending marks none', alert({ gpu: '1', uuid: 'GPU-1', state: 'pending' }), [false, false]],
  ['of the driver marks all of the node', alert({ kind: 'driver_hangs' }), [true, true]],
  ['of the driver of another node marks none', alert({ kind: 'driver_hangs', node: 'm' }), [false, false]],
  ['of GPUs that never came up marks none of the others', alert({ kind: 'gpu_lost' }), [false, false]],
])('an alert %s', (_name, one, marked) => {
  const node = new StandInNode('n');
  node.sample([...gpuSeries({ gpu: '0', busy: 40, processes: 1, memoryUsed: 8e9 }), ...gpuSeries({ gpu: '1' })]);
  const cells = buildCells(node.fleet.gpus, [one], node.clock.ms);
  expect([0, 1].map((gpu) => readCell(cells, gpu).alert)).toEqual(marked);
  expect(readCell(cells, 0)).toMatchObject({ busyPercent: 40, memoryPercent: 25, powerWatts: null });
  expect(leafClasses[readCell(cells, 1).class]).toBe('free.no_demand');
});
