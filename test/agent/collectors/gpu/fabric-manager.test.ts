// The fabric manager in the process list.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { absenceReasons } from '#agent/contract';
import { FabricManager } from '../../../../agent/collectors/gpu/fabric-manager.ts';
import { Snapshot } from '../../../../agent/snapshot.ts';
import { Tree } from '../../../../agent/sources/tree.ts';
import { writeTree } from '../../../corpus/write-tree.ts';

let root: string;
let snapshot: Snapshot;
let manager: FabricManager;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'whyidle-fabric-'));
  snapshot = new Snapshot();
  manager = new FabricManager({ tree: new Tree(root), snapshot });
});
afterEach(() => {
  rmSync(root, { recursive: true, force: true });
});

const runs = (comms: Readonly<Record<string, string>>): void => {
  rmSync(join(root, 'proc'), { recursive: true, force: true });
  writeTree(root, Object.fromEntries(Object.entries(comms).map(([pid, comm]) => [`proc/${pid}/comm`, `${comm}\n`])));
};
const read = (): unknown => {
  manager.read();
  const [series] = snapshot.series;
  return series && (series.state === 0 ? series.steps : absenceReasons[series.state - 1]);
};

it('says nothing on a node without NVSwitches', () => {
  runs({ 2: 'kthreadd', 700: 'nv-fabricmanage' });
  expect(read()).toBeUndefined();
  manager.setSwitches(0);
  expect(read()).toBeUndefined();
});

it('runs, ends, and comes back under another number', () => {
  manager.setSwitches(6);
  runs({ 1: 'systemd', 2: 'kthreadd', 700: 'nv-fabricmanage' });
  expect(read()).toBe(1);
  runs({ 1: 'systemd', 2: 'kthreadd', 700: 'bash' });
  expect(read()).toBe(0);
  runs({ 1: 'systemd', 2: 'kthreadd', 900: 'nv-fabricmanage' });
  expect(read()).toBe(1);
});

it('is not down because its process list is somebody else’s', () => {
  manager.setSwitches(6);
  runs({ 1: 'node' });
  expect(read()).toBe('forbidden');
  runs({ 1: 'node', 2: 'sh' });
  expect(read()).toBe('forbidden');
  runs({ 7: 'nv-fabricmanage' });
  expect(read()).toBe(1);
});

it('goes with its switches and at the end', () => {
  manager.setSwitches(6);
  manager.setSwitches(0);
  expect(snapshot.series).toEqual([]);
  manager.setSwitches(6);
  manager.stop();
  expect(snapshot.series).toEqual([]);
});
