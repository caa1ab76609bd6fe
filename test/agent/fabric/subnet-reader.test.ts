// The rounds of a small subnet: which tools are asked when, what stays when one fails, who is silent.
import { beforeEach, describe, expect, test } from 'vitest';
import { fabricSweepSchema, type FabricPort, type FabricSweep } from '#agent/contract';
import * as v from 'valibot';
import { SubnetReader } from '../../../agent/fabric/subnet-reader.ts';
import { ToolRunner } from '../../../agent/fabric/tool-runner.ts';
import { FabricUnreadable } from '../../../agent/fabric/unreadable.ts';
import { PlayedTools, toolFiles } from '../../doubles/fabric/played-tools.ts';
import {
  data,
  discovery,
  errors,
  hostGuids,
  links,
  linksWithoutTwo,
  switchGuid,
} from '../../doubles/fabric/small-net.ts';
import { ManualClock } from '../../doubles/manual-clock.ts';

const [one, two] = hostGuids;
const samples = (tick: string): string => `# PortSamplesControl: Lid 7 port 1\nOpCode:....0x00\nTick:......${tick}\n`;
const extended = (mask2: string): string =>
  `# Port extended counters: Lid 7 port 1 (CapMask: 0x5300 CapMask2: ${mask2})\nPortSelect:....1\nPortXmitData:....10\n`;

let tools: PlayedTools;
let clock: ManualClock;
let reader: SubnetReader;

beforeEach(() => {
  tools = new PlayedTools();
  clock = new ManualClock();
  tools.set('ibnetdiscover', discovery);
  tools.set('iblinkinfo -l', links);
  tools.set('ibqueryerrors --counters', data);
  tools.set('ibqueryerrors', errors());
  tools.set('perfquery -x', extended('0x0000000'));
  tools.set('perfquery -c', samples('0x07'));
  reader = makeReader();
});

function makeReader(prefixOf: (guid: string) => string | undefined = () => undefined): SubnetReader {
  return new SubnetReader({
    ...{ tools: toolFiles, clock, topologyIntervalMs: 300_000, prefixOf },
    runner: new ToolRunner({ commands: tools, clock, env: {}, cwd: '/' }),
  });
}

async function nextRound(): Promise<FabricSweep> {
  tools.calls.length = 0;
  clock.pass(10_000);
  return reader.read();
}

function portOf(sweep: FabricSweep, guid: string, port: number): FabricPort {
  const found = sweep.ports.find((one) => one.guid === guid && one.port === port);
  if (!found) throw new Error(`no port ${guid}/${port}`);
  return found;
}

describe('one round', () => {
  test('gives devices, ports with both their ends, counters', async () => {
    const sweep = await reader.read();
    expect(v.parse(fabricSweepSchema, sweep)).toEqual(sweep);
    expect(sweep.devices.map(({ guid, kind, name, ports, lid }) => [guid, kind, name, ports, lid])).toEqual([
      [switchGuid, 'switch', 'MF0;core:MQM8700/U1', 40, 7],
      [one, 'hca', 'one mlx5_0', 1, null],
      [two, 'hca', 'two mlx5_0', 1, null],
    ]);
    expect(sweep).toMatchObject({ subnet: '0002c90000000021', silent: [], problems: [], topologyMs: sweep.startedMs });
    expect(sweep.ports.map(({ guid, port, state, peer }) => [guid, port, state, peer])).toEqual([
      [one, 1, 4, { guid: switchGuid, port: 1 }],
      [two, 1, 4, { guid: switchGuid, port: 2 }],
      [switchGuid, 1, 4, { guid: one, port: 1 }],
      [switchGuid, 2, 4, { guid: two, port: 1 }],
      [switchGuid, 3, 1, null],
    ]);
    expect(portOf(sweep, one, 1)).toMatchObject({
      ...{ portGuid: '0002c90000000021', lid: 1, physicalState: 5, widthLanes: 4, laneBytesPerSecond: 53.125e9 / 8 },
      ...{ widthLanesBest: 4, laneBytesPerSecondBest: 53.125e9 / 8, hasWideErrors: false, tickBytes: 8 },
      counters: { PortXmitData: '10', SymbolErrorCounter: '0', PortXmitWait: '0' },
    });
  });

  test('errors go to the port that has them: an adapter by its port, a switch by itself; the sum and port 0 to nobody', async () => {
    tools.set(
      'ibqueryerrors',
      errors({
        '2c90000000010/ALL': '[SymbolErrorCounter == 3] [PortXmitWait == 5000000000 (4.657G)]',
        '2c90000000010/0': '[PortXmitWait == 9]',
        '2c90000000010/2': '[PortXmitWait == 5000000000 (4.657G)]',
        '2c90000000031/1': '[SymbolErrorCounter == 3]',
      }),
    );
    const sweep = await reader.read();
    expect(portOf(sweep, switchGuid, 2)).toMatchObject({
      hasWideErrors: true,
      counters: { PortXmitWait: '5000000000', SymbolErrorCounter: '0', PortRcvData: '20' },
    });
    expect(portOf(sweep, two, 1)).toMatchObject({ hasWideErrors: false, counters: { SymbolErrorCounter: '3' } });
    expect(portOf(sweep, switchGuid, 1).counters).toMatchObject({ SymbolErrorCounter: '0', PortXmitWait: '0' });
    expect(sweep.ports.some(({ port }) => port === 0)).toBe(false);
  });

  test('a port that is down says its errors and no data of 0', async () => {
    const { counters } = portOf(await reader.read(), switchGuid, 3);
    expect(counters).toMatchObject({ LinkDownedCounter: '0', PortXmitData: '30' });
  });

  test('runs one tool at a time, and none with a flag that writes', async () => {
    await reader.read();
    await nextRound();
    expect(tools.most).toBe(1);
    const flags = new Set(
      tools.calls.flatMap((call) => call.split(' ').slice(1)).filter((word) => word.startsWith('-')),
    );
    expect(
      [...flags].filter((flag) => !['-l', '--counters', '--threshold-file', '-x', '-c', '-D', '-E'].includes(flag)),
    ).toEqual([]);
  });

  test('the subnet is called by the prefix of the port it was read from', async () => {
    reader = makeReader((guid) => (guid === '0002c90000000021' ? 'fec0000000000001' : undefined));
    expect((await reader.read()).subnet).toBe('fec0000000000001');
  });
});

describe('what the devices of one kind have in common', () => {
  test('is asked once for each kind', async () => {
    await reader.read();
    expect(tools.calls.filter((call) => call.startsWith('perfquery'))).toEqual([
      'perfquery -x 1 1',
      'perfquery -c 1 1',
      'perfquery -x 7 1',
      'perfquery -c 7 1',
    ]);
    await nextRound();
    expect(tools.calls.filter((call) => call.startsWith('perfquery'))).toEqual([]);
  });

  test('64-bit errors by CapabilityMask2, long ticks for each lane', async () => {
    tools.set('perfquery -x 7', extended('0x0000002'));
    tools.set('perfquery -c 7', samples('31'));
    const sweep = await reader.read();
    expect(portOf(sweep, switchGuid, 1)).toMatchObject({ hasWideErrors: true, tickBytes: 128 });
    expect(portOf(sweep, one, 1)).toMatchObject({ hasWideErrors: false, tickBytes: 8 });
  });

  test('unknown where the device answers neither: no tick, and PortXmitWait that was not printed is not 0', async () => {
    for (const flag of ['-x', '-c'])
      tools.set(`perfquery ${flag}`, { stderr: 'perfquery: iberror: failed: sampctlquery', exitCode: 255 });
    const port = portOf(await reader.read(), one, 1);
    expect(port.tickBytes).toBeNull();
    expect(port.counters).not.toHaveProperty('PortXmitWait');
    expect(port.counters).toHaveProperty('SymbolErrorCounter', '0');
  });
});

describe('the topology is read again', () => {
  test('when it is old', async () => {
    await reader.read();
    await nextRound();
    expect(tools.calls).not.toContain('ibnetdiscover');
    clock.pass(290_000);
    const sweep = await nextRound();
    expect(tools.calls[0]).toBe('ibnetdiscover');
    expect(sweep.topologyMs).toBe(sweep.startedMs);
  });

  test('a device that does not tell its name then keeps the one it had', async () => {
    await reader.read();
    tools.set('ibnetdiscover', discovery.replaceAll('"two mlx5_0"', '""'));
    clock.pass(290_000);
    expect((await nextRound()).devices.map(({ name }) => name)).toEqual([
      'MF0;core:MQM8700/U1',
      'one mlx5_0',
      'two mlx5_0',
    ]);
  });

  test('at once when a state changed', async () => {
    await reader.read();
    tools.set('iblinkinfo -l', linksWithoutTwo);
    const sweep = await nextRound();
    expect(tools.calls.slice(0, 2)).toEqual(['iblinkinfo -l', 'ibnetdiscover']);
    expect(portOf(sweep, switchGuid, 2)).toMatchObject({ state: 1, peer: null });
    await nextRound();
    expect(tools.calls).not.toContain('ibnetdiscover');
  });

  test('at once when a link went down and came back between two rounds', async () => {
    await reader.read();
    tools.set('ibqueryerrors', errors({ '2c90000000010/2': '[LinkDownedCounter == 1]' }));
    await nextRound();
    expect(tools.calls.filter((call) => call === 'ibnetdiscover')).toHaveLength(1);
    await nextRound();
    expect(tools.calls).not.toContain('ibnetdiscover');
  });
});

describe('a tool that fails', () => {
  test('the first topology: nothing can be told', async () => {
    tools.set('ibnetdiscover', {
      stderr: "ibwarn: [7] mad_rpc_open_port: can't open UMAD port ((null):0)",
      exitCode: 255,
    });
    await expect(reader.read()).rejects.toThrow(FabricUnreadable);
    await expect(reader.read()).rejects.toThrow(/umad/);
  });

  test('a later topology: the old one stays and its age is told', async () => {
    const first = await reader.read();
    tools.set('ibnetdiscover', { reason: 'killed' });
    clock.pass(290_000);
    const sweep = await nextRound();
    expect(sweep.topologyMs).toBe(first.topologyMs);
    expect(sweep.devices).toEqual(first.devices);
    expect(sweep.problems).toEqual(['ibnetdiscover: it was ended from outside', 'the topology is 300 s old']);
  });

  test('a topology that was cut short is none, although the tool says it is done', async () => {
    tools.set('ibnetdiscover', discovery.slice(0, discovery.lastIndexOf('vendid')));
    await expect(reader.read()).rejects.toThrow('it ended with code 0 before it was done');
  });

  test('link states: those of before stay', async () => {
    const first = await reader.read();
    tools.set('iblinkinfo -l', { stdout: '0x0002c9000000 "cut\n', exitCode: 0 });
    const sweep = await nextRound();
    expect(sweep.ports.map(({ state }) => state)).toEqual(first.ports.map(({ state }) => state));
    expect(sweep.problems).toHaveLength(2);
    expect(sweep.problems[1]).toBe('link states are 10 s old');
  });

  test('counters: there are none, rather than old ones', async () => {
    await reader.read();
    tools.set('ibqueryerrors', { stdout: 'Errors for "cut"\n' });
    tools.answers.delete('ibqueryerrors --counters');
    const sweep = await nextRound();
    expect(sweep.ports.map(({ counters }) => counters)).toEqual([{}, {}, {}, {}, {}]);
    expect(sweep.problems).toHaveLength(2);
  });

  test('error counters alone: data counters are told, and no error is 0', async () => {
    tools.set('ibqueryerrors', { reason: 'killed' });
    expect(portOf(await reader.read(), one, 1).counters).toEqual({
      ...{ PortXmitData: '10', PortRcvData: '10', PortXmitPkts: '1', PortRcvPkts: '1' },
    });
  });
});

describe('details', () => {
  const discards =
    '# PortXmitDiscardDetails counters: Lid 7 port 2\nPortSelect:....2\nPortSwHOQLifetimeLimitDiscards:..5\n';
  const received = '# PortRcvErrorDetails counters: Lid 2 port 1\nPortSelect:....1\nPortLocalPhysicalErrors:..4\n';

  test('are read of ports whose discards or receive errors grow, and of no others', async () => {
    const before = { '2c90000000010/2': '[PortXmitDiscards == 5]', '2c90000000010/1': '[PortXmitDiscards == 9]' };
    tools.set('ibqueryerrors', errors(before));
    tools.set('perfquery -D 7 2', discards);
    tools.set('perfquery -E 2 1', received);
    await reader.read();
    expect(tools.calls.filter((call) => / -[DE] /.test(call))).toEqual([]);
    tools.set(
      'ibqueryerrors',
      errors({ ...before, '2c90000000010/2': '[PortXmitDiscards == 10]', '2c90000000031/1': '[PortRcvErrors == 4]' }),
    );
    const sweep = await nextRound();
    expect(tools.calls.filter((call) => / -[DE] /.test(call)).toSorted()).toEqual([
      'perfquery -D 7 2',
      'perfquery -E 2 1',
    ]);
    expect(portOf(sweep, switchGuid, 2).counters).toMatchObject({ PortSwHOQLifetimeLimitDiscards: '5' });
    expect(portOf(sweep, two, 1).counters).toMatchObject({ PortLocalPhysicalErrors: '4' });
    expect(portOf(sweep, switchGuid, 1).counters).not.toHaveProperty('PortSwHOQLifetimeLimitDiscards');
  });

  test('are given up some rounds after the last growth', async () => {
    tools.set('perfquery -D 7 2', discards);
    await reader.read();
    tools.set('ibqueryerrors', errors({ '2c90000000010/2': '[PortXmitDiscards == 10]' }));
    const asked: number[] = [];
    for (let round = 0; round < 8; round++) {
      await nextRound();
      asked.push(tools.calls.filter((call) => call.startsWith('perfquery -D')).length);
    }
    expect(asked).toEqual([1, 1, 1, 1, 1, 1, 0, 0]);
  });
});

describe('silent nodes', () => {
  const status = (path: string, attribute: string): string =>
    `./libibnetdisc/query_smp.c:186; umad (DR path slid 0; dlid 0; ${path} Attr 0x${attribute}:0) bad status 110; Connection timed out\n`;
  const everyTool = (stderr: string, stdout = links): void => {
    tools.set('ibnetdiscover', { stdout: discovery, stderr });
    tools.set('iblinkinfo -l', { stdout, stderr });
    tools.set('ibqueryerrors --counters', { stdout: data, stderr });
    tools.set('ibqueryerrors', { stdout: errors(), stderr, exitCode: 1 });
  };

  test('the path is followed to the port, and the port remembers who was there', async () => {
    await reader.read();
    everyTool(status('0,1,2', '11'));
    expect((await nextRound()).silent).toEqual([
      { guid: two, lid: 2, name: 'two mlx5_0', behind: { guid: switchGuid, port: 2 } },
    ]);
  });

  test('a port where nobody was known is named itself', async () => {
    everyTool(status('0,1,3', '11'));
    expect((await reader.read()).silent).toEqual([
      { guid: null, lid: null, name: 'behind MF0;core:MQM8700/U1 port 3', behind: { guid: switchGuid, port: 3 } },
    ]);
  });

  test('who answered one of the tools was slow, not silent; what it did not say is not 0', async () => {
    await reader.read();
    tools.set('ibqueryerrors', { stdout: errors(), stderr: status('0,1,2', '11') });
    const sweep = await nextRound();
    expect(sweep.silent).toEqual([]);
    expect(portOf(sweep, two, 1).counters).not.toHaveProperty('SymbolErrorCounter');
    expect(portOf(sweep, one, 1).counters).toHaveProperty('SymbolErrorCounter', '0');
  });

  test('a description or a port that was not told is no silence', async () => {
    everyTool(status('0,1,2', '10') + status('0,1,2', '15'));
    expect((await reader.read()).silent).toEqual([]);
  });

  test('a node that is there and tells no counters', async () => {
    const stderr = 'ibwarn: [9] print_errors: IB_GSI_PORT_COUNTERS query failed on two mlx5_0, Lid 2 port 1\n';
    everyTool(stderr);
    const sweep = await reader.read();
    expect(sweep.silent).toEqual([{ guid: two, lid: 2, name: 'two mlx5_0' }]);
    expect(portOf(sweep, two, 1).counters).not.toHaveProperty('SymbolErrorCounter');
  });

  test('that the simulator greets its clients is no silence', async () => {
    everyTool('ibwarn: [11372] sim_connect: attached as client 1 at node "H-506b4b0300c10140"\n');
    expect((await reader.read()).silent).toEqual([]);
  });
});
