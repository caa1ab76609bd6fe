// The NVML source with its real child process over the stand-in library, and what it makes of a child that misbehaves.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createCommandRunner, type CommandRunner } from '../../../agent/command.ts';
import { silentLog, type Log } from '../../../agent/log.ts';
import type { XidEvent } from '../../../agent/parse/gpu/xid-event.ts';
import { gpuReaderProgram, Nvml } from '../../../agent/sources/nvml.ts';
import { healthyH100, healthyV100, machineOf, NvmlDouble, whyNoNvmlDouble } from '../../doubles/nvml/double.ts';
import { eventually, isRunning } from '../../doubles/programs.ts';
import { leftOut } from '../../left-out.ts';
import { PlayedChildren } from './nvml/played-children.ts';
import { valueIn } from './nvml/played-reader.ts';

const missing = whyNoNvmlDouble();
if (missing !== undefined) leftOut('NVML over its child process', missing);

const INTERVAL_MS = 50;
const PATIENCE_MS = 15_000;

let commands: CommandRunner;
let nowMs: number;
let xids: XidEvent[];
let double: NvmlDouble | undefined;
let source: Nvml;

beforeEach(() => {
  commands = createCommandRunner();
  nowMs = 0;
  xids = [];
});
afterEach(() => {
  source.stop();
  commands.stopAll();
  double?.remove();
  double = undefined;
});

interface Given {
  readonly library?: string;
  readonly program?: string;
  readonly runner?: CommandRunner;
  readonly log?: Log;
}

/** The clock is ours: it stands still unless the test moves it. */
function start({ library = double?.library ?? '', program, runner = commands, log = silentLog }: Given = {}): Nvml {
  source = new Nvml({
    commands: runner,
    program: program ?? gpuReaderProgram(),
    library,
    intervalMs: INTERVAL_MS,
    monotonicMs: () => nowMs,
    log,
    onXid: (event) => xids.push(event),
    processes: false,
  });
  source.keepRunning();
  return source;
}

const sheets = () => (source.state.kind === 'delivering' ? source.state.report.sheets : []);
const childPids = (): readonly number[] => commands.running().map(({ pid }) => pid);
const untilIt = (what: string, isTrue: () => boolean): Promise<void> => eventually(what, isTrue, PATIENCE_MS);

describe.skipIf(missing !== undefined)('over its child process', () => {
  it('delivers all GPUs of a machine', async () => {
    double = new NvmlDouble(machineOf(healthyH100, 8));
    await start().settle(PATIENCE_MS);
    expect(sheets()).toHaveLength(8);
    expect(valueIn(sheets()[7], 'gpu_power_watts')).toBe(631.95);
    expect(valueIn(sheets()[0], 'gpu_nvlink_up', { link: '17' })).toBe(1);
    expect(valueIn(sheets()[0], 'gpu_energy_joules_total')).toBeGreaterThan(20_000_000_000);
  });

  it('ends the child with stop', async () => {
    double = new NvmlDouble([healthyV100(0)]);
    start();
    const [pid = 0] = childPids();
    await source.settle(PATIENCE_MS);
    expect(isRunning(pid)).toBe(true);
    source.stop();
    await untilIt('the child ended', () => !isRunning(pid));
    expect(source.state).toEqual({ kind: 'starting' });
  });

  it('tells each Xid once, of the GPU it is of', async () => {
    double = new NvmlDouble(machineOf(healthyV100, 2));
    await start().settle(PATIENCE_MS);
    double.raiseXid(1, 31);
    double.raiseXid(1, 31);
    double.raiseXid(0, 94);
    await untilIt('three Xids', () => xids.length >= 3);
    expect(xids.map(({ xid, uuid, pciBusId, source: from }) => [xid, uuid.slice(-2), pciBusId, from])).toEqual([
      [31, '01', '00000000:36:00.0', 'nvml'],
      [31, '01', '00000000:36:00.0', 'nvml'],
      [94, '00', '00000000:34:00.0', 'nvml'],
    ]);
  });

  it('loses one GPU alone, with its Xid', async () => {
    double = new NvmlDouble(machineOf(healthyV100, 2));
    await start().settle(PATIENCE_MS);
    double.raiseXid(1, 79);
    await untilIt('the Xid', () => xids.length === 1);
    double.lose(1);
    await untilIt('the loss', () => sheets()[1]?.loss === 'not_present');
    expect(sheets()[1]?.identity.uuid).toBe('GPU-10000000-0000-4000-8000-000000000001');
    expect(sheets()[0]?.loss).toBeUndefined();
  });

  it('kills a child whose call hangs, and delivers again when the driver does', async () => {
    double = new NvmlDouble([healthyV100(0)]);
    await start().settle(PATIENCE_MS);
    const [pid = 0] = childPids();
    const before = double.calls('nvmlDeviceGetPowerUsage');
    double.injectDelay('nvmlDeviceGetPowerUsage', -1);
    await untilIt('it hangs', () => (double?.calls('nvmlDeviceGetPowerUsage') ?? 0) > before);
    // Lines that were under way come before the silence.
    await untilIt('silence', () => {
      nowMs += 5001;
      source.keepRunning();
      return source.state.kind === 'failed';
    });
    expect(source.state).toMatchObject({ reason: 'timed_out' });
    await untilIt('it was killed', () => !isRunning(pid));
    double.heal('nvmlDeviceGetPowerUsage');
    await untilIt('it delivers again', () => {
      nowMs += 100;
      source.keepRunning();
      return source.state.kind === 'delivering';
    });
    expect(valueIn(sheets()[0], 'gpu_power_watts')).toBe(312.5);
  });

  it.each(['abort', 'segfault'] as const)('survives %s inside the library, and begins again', async (crash) => {
    double = new NvmlDouble([healthyV100(0)]);
    await start().settle(PATIENCE_MS);
    const [first = 0] = childPids();
    double.injectCrash('nvmlDeviceGetTemperature', crash);
    await untilIt('it crashed', () => !isRunning(first));
    double.heal('nvmlDeviceGetTemperature');
    await untilIt('another child delivers', () => {
      nowMs += 1000;
      source.keepRunning();
      return source.state.kind === 'delivering' && !childPids().includes(first) && childPids().length === 1;
    });
  });

  it.each([
    [9, 'not_present', /DRIVER_NOT_LOADED/],
    [18, 'malformed', /LIB_RM_VERSION_MISMATCH/],
  ])('fails with a reason where the driver answers %i', async (initReturn, reason, message) => {
    double = new NvmlDouble([healthyV100(0)], { driver: { initReturn } });
    await start().settle(PATIENCE_MS);
    const { state } = source;
    expect(state).toMatchObject({ kind: 'failed', reason });
    expect(state.kind === 'failed' && state.message).toMatch(message);
  });

  it('fails with a reason without the library', async () => {
    await start({ library: '/nonexistent/libnvidia-ml.so.1' }).settle(PATIENCE_MS);
    expect(source.state).toMatchObject({ kind: 'failed', reason: 'not_present' });
  });

  it('begins again after a pause', async () => {
    double = new NvmlDouble([healthyV100(0)]);
    await start().settle(PATIENCE_MS);
    source.pause();
    expect(source.state).toEqual({ kind: 'starting' });
    await untilIt('it delivers', () => {
      source.keepRunning();
      return source.state.kind === 'delivering';
    });
  });
});

describe('a child that is not ours', () => {
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'whyidle-nvml-child-'));
  });
  afterEach(() => {
    rmSync(directory, { recursive: true, force: true });
  });

  function program(body: string): string {
    const file = join(directory, 'child.mjs');
    writeFileSync(file, body);
    return file;
  }

  it('that ends without a word has failed', async () => {
    await start({ program: program('process.exit(7)') }).settle(PATIENCE_MS);
    expect(source.state).toEqual({ kind: 'failed', reason: 'malformed', message: 'it ended with 7 exit code' });
  });

  it('that only prints garbage is silent', async () => {
    start({ program: program("setInterval(() => console.log('garbage'), 5)") });
    await untilIt('garbage', () => source.garbageLines > 3);
    expect(source.state.kind).toBe('starting');
    nowMs = 5001;
    source.keepRunning();
    expect(source.state).toMatchObject({ kind: 'failed', reason: 'timed_out' });
  });

  it('gets the library, when to read and what is wanted as one argument', async () => {
    start({ library: '/lib/x.so', program: program('console.error(process.argv[2]); process.exit(1)') });
    await source.settle(PATIENCE_MS);
    const { state } = source;
    expect(state.kind === 'failed' ? JSON.parse(state.message) : undefined).toEqual({
      library: '/lib/x.so',
      intervalMs: INTERVAL_MS,
      phaseMs: expect.any(Number) as unknown,
      processes: false,
    });
  });
});

describe('a played child', () => {
  const gpu = {
    identity: { gpu: '0', uuid: 'GPU-1', pci_bus_id: '' },
    facts: { name: '', driver: '', vbios: '', serial: '', cuda: '', arch: '' },
    sections: [0],
  };
  const layout = JSON.stringify({
    layout: 1,
    gpus: [gpu],
    columnSets: [[{ id: 'gpu_temperature_celsius', labels: {} }]],
  });
  const values = (celsius: number): string =>
    JSON.stringify({ tick: 0, layout: 1, values: [[0, 0, [celsius]]], losses: [] });
  const temperature = () => valueIn(sheets()[0], 'gpu_temperature_celsius');

  it('that prints between its lines is believed only where the lines are its own', () => {
    const children = new PlayedChildren();
    const warnings: string[] = [];
    start({ runner: children, log: { ...silentLog, warn: (message) => warnings.push(message) } });
    children.child.print(['libfoo: hello', layout, '', '{"tick":1', values(50), 'libfoo: again']);
    expect(temperature()).toBe(50);
    expect(source.garbageLines).toBe(3);
    expect(warnings).toEqual(['something prints into the GPU readings']);
  });

  it('has its last report until that is older than the silence limit', () => {
    const children = new PlayedChildren();
    start({ runner: children });
    children.child.print([layout, values(50)]);
    nowMs = 5000;
    expect(source.state.kind).toBe('delivering');
    nowMs = 5001;
    expect(source.state).toMatchObject({ kind: 'failed', reason: 'timed_out' });
  });

  it('that reports an error fails at once, is ended, and is forgotten', () => {
    const children = new PlayedChildren();
    start({ runner: children });
    children.child.print([layout, values(50), JSON.stringify({ error: 'not_present', message: 'no driver' })]);
    expect(source.state).toEqual({ kind: 'failed', reason: 'not_present', message: 'no driver' });
    expect(children.child.stopped).toBe(true);
    nowMs = 999;
    source.keepRunning();
    expect(children.children).toHaveLength(1);
    nowMs = 1000;
    source.keepRunning();
    children.child.print([layout, values(51)]);
    expect(temperature()).toBe(51);
  });

  it('that cannot be killed is stuck, alone, until it is gone', () => {
    const children = new PlayedChildren();
    start({ runner: children });
    children.child.print([layout, values(50)]);
    children.killsInVain = true;
    nowMs = 5001;
    source.keepRunning();
    expect(source.state.kind).toBe('failed');
    nowMs = 15_001;
    source.keepRunning();
    expect(source.state).toEqual({ kind: 'stuck', pid: 1 });
    expect(children.children).toHaveLength(1);
    children.killsInVain = false;
    source.keepRunning();
    expect(children.children).toHaveLength(2);
    expect(source.state.kind).toBe('failed');
  });
});

it('starts nothing before keepRunning', () => {
  const children = new PlayedChildren();
  source = new Nvml({
    commands: children,
    program: gpuReaderProgram(),
    library: 'libnvidia-ml.so.1',
    intervalMs: 1000,
    monotonicMs: () => 0,
    log: silentLog,
    onXid: () => undefined,
    processes: false,
  });
  expect(children.children).toEqual([]);
  source.keepRunning();
  expect(children.child.request.file).toBe(process.execPath);
  expect(children.child.request.args.at(-2)).toMatch(/\/agent\/probe\/gpu-reader\.ts$/);
});
