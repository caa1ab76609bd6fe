// Sweeps of a fabric as they come in: from connected agents alone, checked, not too fast; and all the way to the API.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { HelloReply } from '#agent/contract';
import type { FabricAnswer } from '#server/contract';
import { FabricWatch } from '../../../server/fabric/watch.ts';
import { Fleet } from '../../../server/fleet/fleet.ts';
import { openApi } from '../../../server/http/openapi.ts';
import { IngestCounters } from '../../../server/ingest/counters.ts';
import { Intake } from '../../../server/ingest/intake.ts';
import { Leases } from '../../../server/ingest/leases.ts';
import { AgentSession } from '../../../server/ingest/session.ts';
import { Ledger } from '../../../server/ledger/ledger.ts';
import { silentLog } from '../../../server/log.ts';
import type { RunningServer } from '../../../server/main.ts';
import { MemoryStore } from '../../doubles/memory-store.ts';
import { checkExposition } from '../../exposition-check.ts';
import { agentOf, Net } from '../fabric/net.ts';
import { connect, connected, runServer, until } from '../running.ts';
import { helloOf, SetClock, StandInAgent, type StandInSeries } from '../stand-in.ts';

describe('a session', () => {
  let clock: SetClock;
  let watch: FabricWatch;
  let disconnects: number;
  let session: AgentSession;
  beforeEach(() => {
    clock = new SetClock();
    watch = new FabricWatch();
    disconnects = 0;
    const context = {
      fleet: new Fleet(new Ledger()),
      intake: new Intake(new MemoryStore()),
      serverId: 'id',
      fabrics: watch,
      leases: new Leases(),
      counters: new IngestCounters(),
    };
    const line = {
      address: '10.0.0.1',
      ack: () => undefined,
      backlogAck: () => undefined,
      notice: () => undefined,
      resync: () => undefined,
      disconnect: () => {
        disconnects++;
      },
    };
    session = new AgentSession({ ...context, clock, log: silentLog }, line);
  });
  const net = new Net({ hosts: 2, leaves: 1, spines: 0 });

  test('takes a sweep after its hello, not before', () => {
    session.fabric(net.sweep());
    expect(watch.fabrics).toEqual([]);
    session.hello(helloOf('n'));
    session.fabric(net.sweep());
    expect(watch.fabrics.map(({ sweptBy }) => sweptBy)).toEqual(['n']);
  });

  test('leaves out what comes faster than any sweep, without a strike', () => {
    session.hello(helloOf('n'));
    for (let at = 0; at < 10; at++) {
      session.fabric(net.sweep());
      clock.ms += 100;
    }
    expect([watch.generation, disconnects]).toEqual([1, 0]);
    clock.ms += 2000;
    session.fabric(net.sweep());
    expect(watch.generation).toBe(2);
  });

  test.each<readonly [string, unknown]>([
    ['nothing', undefined],
    ['text', 'sweep'],
    ['a GUID of another form', { ...net.sweep(), devices: [{ ...net.sweep().devices[0], guid: '0x12' }] }],
    ['a negative count', { ...net.sweep(), ports: [{ ...net.sweep().ports[0], counters: { PortXmitData: '-1' } }] }],
    ['a port of 300', { ...net.sweep(), ports: [{ ...net.sweep().ports[0], port: 300 }] }],
    ['too many devices', { ...net.sweep(), devices: Array(20_001).fill(net.sweep().devices[0]) }],
  ])('refuses %s, and ends the connection with the third', (_, message) => {
    session.hello(helloOf('n'));
    for (let at = 0; at < 3; at++) {
      session.fabric(message);
      clock.ms += 3000;
    }
    expect([watch.fabrics.length, disconnects]).toEqual([0, 1]);
  });

  test.each(['__proto__', 'constructor', 'a"b\n'])('a counter called %j does no harm', (name) => {
    const sweep = net.sweep();
    session.hello(helloOf('n'));
    const ports = sweep.ports.map((port) => ({
      ...port,
      counters: JSON.parse(`{${JSON.stringify(name)}: "5"}`) as object,
    }));
    session.fabric({ ...sweep, ports });
    expect(disconnects).toBe(0);
  });
});

describe('a server', () => {
  let server: RunningServer;
  beforeAll(async () => {
    server = await runServer();
  });
  afterAll(() => server.stop());

  test('shows a sweep in its API, joined to the node, and in its metrics', async () => {
    const net = new Net();
    const { guid } = agentOf(net, 'gpu02', 'gpu02 mlx5_0');
    const series: StandInSeries[] = [
      ['infiniband_port_info', ['mlx5_0', '1', 'InfiniBand', guid, '2', '0', 'compute', 'ib0'], 1],
    ];
    const socket = await connected(connect(server, '/agents'));
    const reply = (await socket.emitWithAck('hello', helloOf('gpu02', { timeMs: Date.now() }))) as HelloReply;
    expect(reply.ok).toBe(true);
    const agent = new StandInAgent();
    socket.emit('schema', agent.schema(series));
    socket.emit('frame', Buffer.from(agent.key(series, Date.now())));
    net.nowMs = Date.now();
    socket.emit('fabric', net.sweep());

    const fabric = await until(async () => {
      const answer = (await (await fetch(`${server.url}/api/v1/fabric`)).json()) as FabricAnswer;
      return answer.fabrics[0];
    });
    expect(fabric).toMatchObject({ swept_by: 'gpu02', stale: false, findings: [] });
    expect(fabric.coverage).toMatchObject({ devices: 22, links: 32, adapters: 16, adapters_with_agent: 1 });
    expect(fabric.devices.find(({ name }) => name === 'gpu02 mlx5_0')?.node).toBe('gpu02');

    const page = await (await fetch(`${server.url}/metrics`)).text();
    expect(checkExposition(page)).toEqual([]);
    expect(page).toContain('whyidle_fabric_devices{subnet="fe80000000000000",kind="switch"} 6');
    socket.disconnect();
  });

  test('answers in the shape that it describes', async () => {
    const answer = (await (await fetch(`${server.url}/api/v1/fabric`)).json()) as FabricAnswer;
    const { schemas } = openApi['components'] as { schemas: Record<string, { required: string[] }> };
    const [fabric] = answer.fabrics;
    const shapes = {
      Fabric: fabric,
      FabricDevice: fabric?.devices[0],
      FabricLink: fabric?.links[0],
      FabricEnd: fabric?.links[0]?.ends[0],
    };
    for (const [name, shape] of Object.entries(shapes))
      expect(Object.keys(shape ?? {}).toSorted(), name).toEqual(schemas[name]?.required.toSorted());
  });
});
