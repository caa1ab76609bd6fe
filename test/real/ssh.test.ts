// Nodes over OpenSSH's own server: the values of an agent on the node, a jump host, a cut, and nothing left behind.
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock, type Clock } from '../../agent/clock.ts';
import { collectors } from '../../agent/collectors/index.ts';
import type { RelayedNode } from '../../agent/relay/config.ts';
import type { RelayNode } from '../../agent/relay/node.ts';
import { connectSsh } from '../../agent/ssh/connection.ts';
import { eventually } from '../doubles/programs.ts';
import { uuidOf } from '../doubles/nvidia-smi/cells.ts';
import { writeNvidiaSmi } from '../doubles/nvidia-smi/program.ts';
import { readAll, readingOf, startReading } from '../doubles/reading.ts';
import { hastyClock, startRelayNode } from '../doubles/ssh/relay.ts';
import { sshdProgram, startSshd, type Sshd } from '../doubles/ssh/sshd.ts';
import { layStep } from '../doubles/steps.ts';
import { leftOut } from '../left-out.ts';

const fixtures = join(import.meta.dirname, '../fixtures');
const noReader = { discover: () => undefined, read: () => 'ok' as const, stop: () => undefined };

let root: string;
let host: Sshd;
let running: RelayNode | undefined;
beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), 'whyidle-ssh-root-'));
  host = await startSshd();
});
afterEach(async () => {
  await running?.stop();
  running = undefined;
  await host.stop();
  rmSync(root, { recursive: true, force: true });
});

function start(relayed: Partial<RelayedNode> = {}, clock: Clock = systemClock) {
  const node: RelayedNode = { name: 'node01', target: host.target, root, nvidiaSmi: undefined, ...relayed };
  const started = startRelayNode(node, { intervalMs: 100, clock });
  running = started.node;
  return started;
}

const installed = existsSync(sshdProgram);
if (!installed) leftOut('real/ssh', `${sshdProgram} is not installed`);

describe.skipIf(!installed)('over OpenSSH', () => {
  it.each([
    ['infiniband', 'edr-4-ports'],
    ['nvme', 'pm1735-pair'],
  ])('%s of %s is the same as by an agent', async (area, machine) => {
    layStep(join(fixtures, area, machine, '0'), root);
    const { samples, node } = start();
    await samples(2);
    const collector = collectors.find((one) => one.area === area);
    if (!collector) throw new Error(`no collector ${area}`);
    const local = startReading(collector, root);
    await readAll(local);
    const over = readingOf(noReader, node.snapshot).lines();
    const expected = local.lines().filter((line) => !line.startsWith('infiniband_pass_seconds'));
    expect(expected.length).toBeGreaterThan(10);
    expect(over).toEqual(expect.arrayContaining([...expected]));
  });

  it('GPUs come by the nvidia-smi of the node', async () => {
    const nvidiaSmi = writeNvidiaSmi(root, 'ok', 2);
    const { node } = start({ nvidiaSmi });
    const reading = readingOf(noReader, node.snapshot);
    await eventually('two GPUs', () => reading.amount('gpus') === 2, 20_000);
    const first = { uuid: uuidOf(0) };
    expect(reading.amount('gpu_utilization_ratio', first)).toBe(0.97);
    expect(reading.amount('gpu_power_watts', first)).toBe(232.8);
    expect(reading.labels('gpu_reader_info')).toEqual({ backend: 'nvidia_smi', profiling: 'none' });
  });

  it('through a jump host', async () => {
    layStep(join(fixtures, 'cpu/this-vm/0'), root);
    const behind = await startSshd();
    try {
      const { samples } = start({ target: { ...behind.target, jump: host.target } });
      await samples(2);
      expect(host.log()).toMatch(/Accepted publickey/);
      expect(behind.log()).toMatch(/Accepted publickey/);
      await running?.stop();
    } finally {
      await behind.stop();
    }
  });

  it('a wrong host key is refused before anything is sent', async () => {
    const wrong = { fingerprint: `SHA256:${'A'.repeat(43)}`, algorithm: undefined };
    await expect(connectSsh({ ...host.target, hostKey: wrong })).rejects.toMatchObject({ kind: 'host_key' });
    await expect(
      connectSsh({ ...host.target, port: host.target.port, jump: { ...host.target, hostKey: wrong } }),
    ).rejects.toMatchObject({ kind: 'host_key' });
    expect(host.log()).not.toMatch(/Accepted/);
  });

  it('a killed session is made anew, and a stopped relay leaves no process on the node', async () => {
    layStep(join(fixtures, 'cpu/this-vm/0'), root);
    const { samples, warning } = start({}, hastyClock());
    await samples(2);
    const warned = warning();
    for (const pid of host.descendants()) process.kill(pid, 'SIGKILL');
    expect(await warned).toMatch(/closed/);
    await samples(2);
    expect(host.descendants().length).toBeGreaterThan(0);
    await running?.stop();
    await eventually('nothing is left', () => host.descendants().length === 0);
  });

  it('a host whose loop was frozen is found out', async () => {
    layStep(join(fixtures, 'cpu/this-vm/0'), root);
    let isFrozen = false;
    const { samples, warning } = start(
      {},
      hastyClock(() => isFrozen),
    );
    await samples(2);
    const warned = warning();
    for (const pid of host.descendants()) process.kill(pid, 'SIGSTOP');
    isFrozen = true;
    expect(await warned).toMatch(/timed_out/);
  });
});
