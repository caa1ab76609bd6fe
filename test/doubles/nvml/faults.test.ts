import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { leftOut } from '../../left-out.ts';
import { eventually } from '../programs.ts';
import { healthyV100, prepareNvml, whyNoNvmlDouble } from './double.ts';
import { load, removeDoubles } from './loading.ts';

const missing = whyNoNvmlDouble();
if (missing !== undefined) leftOut('NVML double: faults', missing);

const TIMEOUT = 10;
const LOST = 15;
const XID = 8n;
const power = 'nvmlDeviceGetPowerUsage';

const two = [healthyV100(0), healthyV100(1)];

afterEach(removeDoubles);

describe.skipIf(missing !== undefined)('faults of the NVML double', () => {
  beforeAll(() => {
    prepareNvml();
  });

  it('gives an injected code for all GPUs or one, until healed', () => {
    const { double, nvml } = load(two);
    const [first, second] = [nvml.open(0), nvml.open(1)];
    const memory = Buffer.alloc(4);
    const both = () => [first, second].map((gpu) => nvml.call(power, gpu, memory));
    expect(both()).toEqual([0, 0]);
    double.injectReturn(power, 999, 1);
    expect(both()).toEqual([0, 999]);
    double.injectReturn(power, 17);
    expect(both()).toEqual([17, 17]);
    double.heal(power);
    double.heal(power, 1);
    expect(both()).toEqual([0, 0]);
    expect(double.calls(power)).toBe(8);
    expect(double.calls('nvmlDeviceGetPcieThroughput')).toBe(0);
  });

  it('loses one GPU and leaves the others', () => {
    const { double, nvml } = load(two);
    const [first, second] = [nvml.open(0), nvml.open(1)];
    double.lose(1);
    expect(nvml.u32(power, first)).toBe(312_500);
    expect(nvml.call(power, second, Buffer.alloc(4))).toBe(LOST);
    expect(nvml.call('nvmlDeviceGetHandleByIndex_v2', 1, Buffer.alloc(8))).toBe(LOST);
    expect(nvml.u32('nvmlDeviceGetCount_v2')).toBe(2);
    double.requireReset(1);
    expect(nvml.call(power, second, Buffer.alloc(4))).toBe(16);
    double.find(1);
    expect(nvml.u32(power, second)).toBe(312_500);
  });

  it('keeps a handle with its GPU when the list gets shorter', () => {
    const { double, nvml } = load(two);
    const [first, second] = [nvml.open(0), nvml.open(1)];
    double.state.update([double.state.gpu(1)]);
    expect(nvml.text('nvmlDeviceGetUUID', second)).toBe(healthyV100(1).uuid);
    expect(nvml.u32('nvmlDeviceGetIndex', second)).toBe(0);
    expect(nvml.call(power, first, Buffer.alloc(4))).toBe(LOST);
  });

  it('says that the driver is not loaded', () => {
    const { double, nvml } = load(two);
    double.state.changeDriver({ initReturn: 9 });
    expect(nvml.call('nvmlInit_v2')).toBe(9);
    double.state.changeDriver({ initReturn: 0 });
    expect(nvml.call('nvmlInit_v2')).toBe(0);
  });

  it('hangs in one call while the others go on, until healed', async () => {
    const { double, nvml } = load(two);
    const [first, second] = [nvml.open(0), nvml.open(1)];
    double.injectDelay(power, -1, 1);
    let answer: number | undefined;
    const hanging = nvml.callAside(power, second, Buffer.alloc(4)).then((code) => (answer = code));
    await eventually('the call began', () => double.calls(power) === 1);
    expect(nvml.u32(power, first)).toBe(312_500);
    expect(answer).toBeUndefined();
    double.heal(power, 1);
    expect(await hanging).toBe(0);
  });

  it('hangs as a whole, and tells what was called', async () => {
    const { double, nvml } = load(two);
    const gpu = nvml.open(0);
    double.hangDriver();
    const hanging = [power, 'nvmlDeviceGetFanSpeed'].map((name) => nvml.callAside(name, gpu, Buffer.alloc(4)));
    await eventually(
      'both calls began',
      () => double.called().includes('nvmlDeviceGetFanSpeed') && double.called().includes(power),
    );
    double.healDriver();
    expect(await Promise.all(hanging)).toEqual([0, 3]);
    expect(double.called()).toEqual(['nvmlInit_v2', 'nvmlDeviceGetHandleByIndex_v2', power, 'nvmlDeviceGetFanSpeed']);
  });

  it('waits for Xids of registered GPUs, each told once', async () => {
    const { double, nvml } = load(two);
    const [first, second] = [nvml.open(0), nvml.open(1)];
    double.raiseXid(0, 13);
    const set = nvml.handle('nvmlEventSetCreate');
    const event = Buffer.alloc(32);
    expect(nvml.call('nvmlDeviceRegisterEvents', second, XID, set)).toBe(0);
    double.raiseXid(0, 31);
    expect(nvml.call('nvmlEventSetWait_v2', set, event, 0)).toBe(TIMEOUT);
    double.raiseXid(1, 48);
    double.raiseXid(1, 48);
    expect(nvml.call('nvmlEventSetWait_v2', set, event, 0)).toBe(0);
    expect(nvml.call('nvmlEventSetWait_v2', set, event, 0)).toBe(0);
    expect([event.readBigUInt64LE(0), event.readBigUInt64LE(8), event.readBigUInt64LE(16)]).toEqual([second, XID, 48n]);
    expect(nvml.call('nvmlEventSetWait_v2', set, event, 0)).toBe(TIMEOUT);
    expect(nvml.call('nvmlDeviceRegisterEvents', first, XID, set)).toBe(0);
    const waiting = nvml.callAside('nvmlEventSetWait_v2', set, event, 15_000);
    double.raiseXid(0, 79);
    expect(await waiting).toBe(0);
    expect(event.readBigUInt64LE(16)).toBe(79n);
    expect(nvml.call('nvmlEventSetFree', set)).toBe(0);
  });

  it('tells the Xid before the loss, then only the loss', () => {
    const { double, nvml } = load(two);
    const gpu = nvml.open(0);
    const set = nvml.handle('nvmlEventSetCreate');
    const event = Buffer.alloc(32);
    nvml.call('nvmlDeviceRegisterEvents', gpu, XID, set);
    double.raiseXid(0, 79);
    double.lose(0);
    expect(nvml.call('nvmlEventSetWait_v2', set, event, 0)).toBe(0);
    expect(nvml.call('nvmlEventSetWait_v2', set, event, 15_000)).toBe(LOST);
  });

  it('ends the process that calls it, by abort or by a bad access', async () => {
    const { double } = load(two);
    expect(await callApart(double.library, power)).toEqual({ stdout: '0 312500\n', signal: null });
    double.injectCrash(power, 'abort');
    expect(await callApart(double.library, power)).toMatchObject({ signal: 'SIGABRT' });
    double.injectCrash(power, 'segfault');
    expect(await callApart(double.library, power)).toMatchObject({ signal: 'SIGSEGV' });
    double.heal(power);
    // Counted in the file, whoever called and however it ended.
    expect(double.calls(power)).toBe(3);
  });

  it('reads another state file where the environment names one', async () => {
    const { double } = load(two);
    const other = load([healthyV100(0, { levels: { powerMw: 77_000 } })]);
    const environment = { WHYIDLE_NVML_STATE: other.double.state.path };
    expect(await callApart(double.library, power, environment)).toMatchObject({ stdout: '0 77000\n' });
    expect(await callApart(double.library, power, { WHYIDLE_NVML_STATE: '/nowhere' })).toMatchObject({
      stdout: 'init 9\n',
    });
  });
});

interface Ended {
  readonly stdout: string;
  readonly signal: string | null;
}

async function callApart(
  library: string,
  name: string,
  environment: Readonly<Record<string, string>> = {},
): Promise<Ended> {
  const program = join(import.meta.dirname, 'caller.ts');
  try {
    const { stdout } = await promisify(execFile)(process.execPath, [program, library, name], { env: environment });
    return { stdout, signal: null };
  } catch (error) {
    return error as Ended; // execFile's errors carry what the child printed and how it ended
  }
}
