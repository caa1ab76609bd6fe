// dcgmi over real child processes that stand in for it.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createCommandRunner, type CommandRunner } from '../../../agent/command.ts';
import { silentLog } from '../../../agent/log.ts';
import { Dcgmi } from '../../../agent/sources/dcgmi.ts';
import { dcgmiUuid, writeDcgmi, type DcgmiBehaviour } from '../../doubles/dcgm/dcgmi.ts';
import { valuesOf } from '../../doubles/dcgm/values.ts';
import { eventually } from '../../doubles/programs.ts';

let directory: string;
let commands: CommandRunner;
let nowMs: number;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'whyidle-dcgmi-'));
  commands = createCommandRunner();
  nowMs = 0;
});
afterEach(() => {
  commands.stopAll();
  rmSync(directory, { recursive: true, force: true });
});

const start = (behaviour: DcgmiBehaviour | 'missing', gpus = 2): Dcgmi =>
  new Dcgmi({
    commands,
    file: behaviour === 'missing' ? join(directory, 'missing') : writeDcgmi(directory, behaviour, gpus),
    intervalMs: 100,
    monotonicMs: () => nowMs,
    log: silentLog,
  });

/** The clock is ours: it stands still unless the test moves it. */
async function settled(source: Dcgmi) {
  source.keepRunning();
  await source.settle(15_000);
  return source.state;
}

const sheetsOf = (source: Dcgmi) => (source.state.kind === 'delivering' ? source.state.report.sheets : []);

/** Bytes of NVLink sent are cut in their column. FP32 and FP16 would take turns with the tensor cores. */
const values = {
  gpu_sm_active_ratio: 0.002,
  gpu_tensor_active_ratio: 0.004,
  gpu_dram_active_ratio: 0.005,
  gpu_graphics_engine_active_ratio: 0.001,
  gpu_sm_occupancy_ratio: 0.003,
  'gpu_nvlink_tx_bytes_per_second{link=all}': 'malformed',
  'gpu_nvlink_rx_bytes_per_second{link=all}': 1012,
  gpu_pcie_tx_bytes_per_second: 1009,
  gpu_pcie_rx_bytes_per_second: 1010,
  gpu_fp64_active_ratio: 0.006,
};

describe('a host engine that answers', () => {
  it('gives profiling metrics under the identities of discovery', async () => {
    const source = start('ok');
    expect((await settled(source)).kind).toBe('delivering');
    const sheets = sheetsOf(source).toSorted((a, b) => (a.identity.uuid < b.identity.uuid ? -1 : 1));
    expect(sheets.map(({ identity }) => identity)).toEqual([
      { gpu: '', uuid: dcgmiUuid(0), pci_bus_id: '00000000:1a:00.0' },
      { gpu: '', uuid: dcgmiUuid(1), pci_bus_id: '00000000:1b:00.0' },
    ]);
    expect(sheets[1]?.facts.name).toBe('NVIDIA H800');
    expect(valuesOf(sheets[1])).toEqual(values);
  });

  it('is not believed while it warms up', async () => {
    const source = start('warms-up');
    await settled(source);
    expect(valuesOf(sheetsOf(source)[0])).toEqual(values);
  });

  it('gives instances their own values, clamped', async () => {
    const source = start('mig', 1);
    await settled(source);
    const [sheet] = sheetsOf(source);
    expect(sheet?.instances).toEqual([
      { mig_gi: '3', mig_ci: '', profile: '' },
      { mig_gi: '5', mig_ci: '', profile: '' },
    ]);
    expect(valuesOf(sheet)).toMatchObject({
      'gpu_sm_active_ratio{mig_gi=3}': 1,
      'gpu_sm_active_ratio{mig_gi=5}': 1,
      'gpu_dram_active_ratio{mig_gi=5}': 0.005,
    });
  });

  it('and does not know a field is asked for the few that all know', async () => {
    const source = start('no-fp64');
    expect(await settled(source)).toMatchObject({ kind: 'failed', reason: 'unsupported' });
    source.keepRunning();
    await eventually('the shorter list is taken', () => source.state.kind === 'delivering');
    expect(Object.keys(valuesOf(sheetsOf(source)[0])).toSorted()).toEqual([
      'gpu_dram_active_ratio',
      'gpu_graphics_engine_active_ratio',
      'gpu_sm_active_ratio',
      'gpu_tensor_active_ratio',
    ]);
  });

  it('and falls silent is ended and asked again', async () => {
    const source = start('falls-silent');
    await settled(source);
    nowMs = 5001;
    expect(source.state).toMatchObject({ kind: 'failed', reason: 'timed_out' });
    source.keepRunning();
    nowMs += 1000;
    source.keepRunning();
    await eventually('it delivers again', () => source.state.kind === 'delivering');
  });

  it('and dies in the middle of a tick leaves the last whole one until it is too old', async () => {
    const source = start('dies-halfway');
    await settled(source);
    expect(sheetsOf(source)).toHaveLength(2);
    await eventually('its end is noticed', () => {
      nowMs = 5001;
      return source.state.kind === 'failed' && source.state.reason === 'malformed';
    });
  });
});

describe('no metrics', () => {
  it.each<[DcgmiBehaviour | 'missing', string, RegExp]>([
    ['missing', 'not_present', /discovery/],
    ['no-engine', 'not_present', /unable to establish a connection/],
    ['refuses-all', 'unsupported', /-33: This request/],
    ['needs-root', 'forbidden', /running as root/],
  ])('%s: %s', async (behaviour, reason, message) => {
    const state = await settled(start(behaviour));
    expect(state).toMatchObject({ kind: 'failed', reason });
    expect(state.kind === 'failed' && state.message).toMatch(message);
  });

  it('after stop, and again after pause', async () => {
    const source = start('ok');
    await settled(source);
    source.pause();
    expect(source.state).toEqual({ kind: 'starting' });
    expect((await settled(source)).kind).toBe('delivering');
    source.stop();
    source.keepRunning();
    expect(source.state).toEqual({ kind: 'starting' });
    await eventually('its child is gone', () => commands.stuckPid('dcgmi') === undefined);
  });
});
