// The fabric sweeper and its findings over simulated subnets with the real infiniband-diags and opensm: a healthy fabric is told
// as healthy, and every fault by its port, with both ends, and nothing else.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { fabricSweepSchema } from '#agent/contract';
import * as v from 'valibot';
import { preloadLibrary, startSubnet, wrapTools, type Subnet } from '../doubles/fabric/ibsim.ts';
import { hostGuid, leafGuid, renderFatTree, spineGuid, type Net } from '../doubles/fabric/net.ts';
import { watchSubnet, type Judged, type WatchedSubnet } from '../doubles/fabric/watched-subnet.ts';
import { leftOut } from '../left-out.ts';
import { projectRoot } from '../system/program.ts';
import { missingPrograms } from './programs.ts';

// Where Debian has them.
process.env['PATH'] = [process.env['PATH'], '/usr/sbin', '/sbin'].join(delimiter);
const preload = preloadLibrary();
const missing =
  missingPrograms('ibsim', 'opensm', 'ibnetdiscover', 'iblinkinfo', 'ibqueryerrors', 'perfquery') ??
  (preload === undefined ? 'libumad2sim0 not installed' : undefined);
if (missing !== undefined) leftOut('real/fabric', missing);
const corpus = join(import.meta.dirname, '../../../shared/corpus/infiniband');
const hasCorpus = existsSync(corpus);
if (!hasCorpus) leftOut('real/fabric corpus', 'the corpus is not here', { evenInCi: true });

const tree = { hosts: 16, hostsPerLeaf: 4, spines: 2, uplinks: 2 };
const net = renderFatTree(tree);
/** leaf1 port 5 to spine1 port 1, and the second host to leaf1 port 2. */
const uplink = `"S-${leafGuid(0)}"[5]`;
const uplinkEnds = [`${leafGuid(0)}/5`, `${spineGuid(0)}/1`];
const host = `"H-${hostGuid(1)}"[1]`;
const hostEnds = [`${hostGuid(1)}/1`, `${leafGuid(0)}/2`];
const set = (port: string, counter: string, value: number): string => `PerformanceSet ${port} ${counter}=${value}`;

const cleanups: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const clean of cleanups.splice(0).reverse()) await clean();
});

async function watch(what: Net | { readonly file: string }, limits: readonly string[] = []): Promise<WatchedSubnet> {
  const watched = await watchSubnet(what, preload ?? '', { limits });
  cleanups.push(() => watched.stop());
  return watched;
}

/** A fabric that was healthy when it was seen first. */
async function watchHealthy(): Promise<WatchedSubnet> {
  const watched = await watch(net);
  expect(await watched.after(30)).toMatchObject({ told: [], sweep: { problems: [], silent: [] } });
  return watched;
}

async function lidOf(watched: WatchedSubnet, guid: string): Promise<string> {
  const { sweep } = await watched.after(30);
  return String(sweep.devices.find((device) => device.guid === guid)?.lid);
}

const activeEnds = ({ sweep }: Judged): number => sweep.ports.filter(({ state }) => state === 4).length;
const tell = (severity: string, kind: string, ends: readonly string[]): string => [severity, kind, ...ends].join(' ');

describe.skipIf(missing !== undefined)('a simulated fat tree of 16 hosts', { timeout: 60_000 }, () => {
  it('healthy: every device and link, nothing found', async () => {
    const watched = await watch(net);
    const first = await watched.after(30);
    const second = await watched.after(30);
    expect(v.parse(fabricSweepSchema, first.sweep)).toEqual(first.sweep);
    expect([first.told, second.told]).toEqual([[], []]);
    expect(second.sweep.devices).toHaveLength(net.devices);
    expect(activeEnds(second)).toBe(net.links.length * 2);
    for (const { near, far } of net.links) {
      expect(second.sweep.ports.find(({ guid, port }) => guid === near.guid && port === near.port)?.peer).toEqual(far);
      expect(second.sweep.ports.find(({ guid, port }) => guid === far.guid && port === far.port)?.peer).toEqual(near);
    }
  });

  it('totals of before are nothing; symbol errors that grow are a bad link', async () => {
    const watched = await watch(net);
    await watched.subnet.console(set(uplink, 'PortCounters.SymbolErrorCounter', 4000));
    await watched.after(30);
    expect((await watched.after(30)).told).toEqual([]);
    await watched.subnet.console(set(uplink, 'PortCounters.SymbolErrorCounter', 4040));
    expect((await watched.after(30)).told).toEqual([tell('warning', 'bad_link', uplinkEnds)]);
  });

  it('symbol errors with recoveries: the cable is bad now', async () => {
    const watched = await watchHealthy();
    await watched.subnet.console(
      set(host, 'PortCounters.SymbolErrorCounter', 90),
      set(host, 'PortCounters.LinkErrorRecoveryCounter', 2),
    );
    expect((await watched.after(30)).told).toEqual([tell('critical', 'bad_link', hostEnds)]);
  });

  it('packets that a switch dropped: why is read from that port', async () => {
    const watched = await watchHealthy();
    await watched.subnet.console(
      set(uplink, 'PortCounters.PortXmitDiscards', 640),
      set(uplink, 'PortXmitDiscardDetails.PortSwHOQLifetimeLimitDiscards', 640),
    );
    const found = await watched.after(30);
    expect(found.told).toEqual([tell('critical', 'congestion', uplinkEnds)]);
    const details = found.sweep.ports.flatMap(({ guid, port, counters }) =>
      'PortSwHOQLifetimeLimitDiscards' in counters
        ? [`${guid}/${port} ${counters['PortSwHOQLifetimeLimitDiscards'] ?? ''}`]
        : [],
    );
    expect(details).toEqual([`${leafGuid(0)}/5 640`]);
  });

  it('waiting that lasts a minute is congestion', async () => {
    const watched = await watchHealthy();
    // 1.2e9 ticks of 128 bytes in 30 s are 41 % of 12.5 GB/s.
    const told: (readonly string[])[] = [];
    for (let round = 1; round <= 3; round++) {
      await watched.subnet.console(set(uplink, 'PortCounters.PortXmitWait', round * 1_200_000_000));
      told.push((await watched.after(30)).told);
    }
    expect(told[0]).toEqual([]);
    expect(told[2]).toEqual([tell('critical', 'congestion', uplinkEnds)]);
  });

  it('a host pulled and put back', async () => {
    const watched = await watchHealthy();
    await watched.subnet.console(`Unlink ${host}`);
    const at30s = await watched.after(30);
    expect([at30s.told, activeEnds(at30s)]).toEqual([[], 62]);
    await watched.after(30);
    const at90s = await watched.after(30);
    expect(at90s.told).toEqual([tell('warning', 'port_down', hostEnds)]);
    expect(at90s.sweep.devices).toHaveLength(net.devices - 1);
    await watched.subnet.console(`ReLink ${host}`);
    await untilActive(watched.subnet, net.links.length * 2);
    const back = await watched.after(30);
    expect([back.told, activeEnds(back), back.sweep.devices.length]).toEqual([[], 64, net.devices]);
  });

  it('a link that went down and came back is told once it flaps, with both its ends', async () => {
    const watched = await watchHealthy();
    await watched.subnet.console(
      set(host, 'PortCounters.LinkDownedCounter', 1),
      set(`"S-${leafGuid(0)}"[2]`, 'PortCounters.LinkDownedCounter', 1),
    );
    expect((await watched.after(30)).told).toEqual([tell('warning', 'flap', hostEnds)]);
  });

  it('a node that holds its link and answers nothing', async () => {
    const watched = await watchHealthy();
    await watched.subnet.console(`Error ${host} 100`);
    await watched.after(30);
    const found = await watched.after(30);
    expect(found.sweep.silent).toEqual([
      expect.objectContaining({ guid: hostGuid(1), name: 'gpu002 mlx5_0', behind: { guid: leafGuid(0), port: 2 } }),
    ]);
    expect(found.told).toEqual([tell('warning', 'silent_node', [`${hostGuid(1)}/0`])]);
  });

  it('a link that lost three of its four lanes', async () => {
    const watched = await watchHealthy();
    // Sets something: in the simulator alone.
    const lid = await lidOf(watched, leafGuid(0));
    await until(async () => {
      await watched.subnet.run('ibportstate', lid, '2', 'width', '1');
      return (await watched.subnet.run('iblinkinfo', '-l')).includes('( 1X ');
    });
    expect((await watched.after(30)).told).toEqual([tell('warning', 'degraded_width', hostEnds)]);
  });

  it('counters that somebody resets: information, and no error is made of it', async () => {
    const watched = await watch(net);
    await watched.subnet.console(set(uplink, 'PortCounters.SymbolErrorCounter', 40));
    await watched.after(30);
    await watched.subnet.run('perfquery', '-R', await lidOf(watched, leafGuid(0)), '5');
    expect((await watched.after(30)).told).toEqual([tell('info', 'counters_reset', [`${leafGuid(0)}/5`])]);
  });
});

describe.skipIf(missing !== undefined)('a large fabric', { timeout: 60_000 }, () => {
  it('600 hosts on 37 switches, one slow uplink', async () => {
    const rates = new Map([[`${leafGuid(3)}/25`, '1xEDR']]);
    const large = renderFatTree({ hosts: 600, hostsPerLeaf: 24, spines: 12, uplinks: 1, rates });
    const watched = await watch(large);
    await watched.after(30);
    const found = await watched.after(30);
    expect(found.sweep.devices).toHaveLength(637);
    expect(activeEnds(found)).toBe(1800);
    expect(found.told).toEqual([tell('critical', 'degraded_width', [`${leafGuid(3)}/25`, `${spineGuid(0)}/4`])]);
  });
});

describe.skipIf(missing !== undefined || !hasCorpus)('the fabrics of the corpus', { timeout: 60_000 }, () => {
  const open = (file: string, limits: readonly string[] = []) => watch({ file: join(corpus, file) }, limits);

  it('edr-fattree-16 and its faults', async () => {
    const watched = await open('ibsim/edr-fattree-16.net');
    const healthy = await watched.after(30);
    expect([healthy.told, healthy.sweep.devices.length, activeEnds(healthy)]).toEqual([[], 22, 64]);
    await watched.subnet.console(`!${join(corpus, 'ibsim/faults-demo.cmds')}`);
    const [leaf1, spine1] = ['506b4b0300a11000', '506b4b0300b12000'];
    expect((await watched.after(60)).told).toEqual([
      tell('critical', 'bad_link', [`${leaf1}/17`, `${spine1}/1`]),
      tell('critical', 'congestion', [`${leaf1}/18`, `${spine1}/2`]),
      tell('info', 'saturated', [`${leaf1}/1`]),
      tell('info', 'saturated', ['506b4b0300c10340/1']),
      tell('warning', 'bad_link', [`${leaf1}/2`, '506b4b0300c10240/1']),
    ]);
  });

  it('edr-fattree-16-degraded', async () => {
    const watched = await open('ibsim/edr-fattree-16-degraded.net');
    await watched.after(30);
    const { told, sweep } = await watched.after(30);
    expect(sweep.devices.filter(({ kind }) => kind === 'hca')).toHaveLength(15);
    expect(told).toEqual([
      tell('critical', 'degraded_speed', ['506b4b0300a11200/17', '506b4b0300b12000/5']),
      tell('warning', 'degraded_width', ['506b4b0300a11100/3', '506b4b0300c10740/1']),
    ]);
  });

  it('hgx2-rails-4x8: aggregation nodes are no hosts', async () => {
    const watched = await open('ibsim/hgx2-rails-4x8.net');
    await watched.after(30);
    const found = await watched.after(30);
    const kinds = Map.groupBy(found.sweep.devices, ({ kind }) => kind);
    expect([...kinds].map(([kind, { length }]) => [kind, length]).toSorted()).toEqual([
      ['aggregation', 4],
      ['hca', 32],
      ['switch', 6],
    ]);
    expect([found.told, activeEnds(found)]).toEqual([[], 136]);
  });

  it('a real storage fabric of 1407 nodes', async () => {
    const limits = ['-N', '6000', '-S', '1500', '-P', '90000', '-L', '49000'];
    const watched = await open('ibnetdiscover/selene-storage.txt', limits);
    const found = await watched.after(30);
    expect([found.sweep.devices.length, activeEnds(found)]).toEqual([1407, 6572]);
    expect(found.sweep.problems).toEqual([]);
    // 320 links at EDR are how it was built.
    expect(found.told.filter((line) => /degraded|bad_link|congestion|port_down|silent/.test(line))).toEqual([]);
  });
});

describe.skipIf(missing !== undefined)('whyidle fabric', { timeout: 60_000 }, () => {
  it('nothing is wrong: 0', async () => {
    const subnet = await open();
    const { exitCode, stdout } = await whyidle(
      'fabric',
      '--tools',
      wrap(subnet),
      '--once',
      '--json',
      '--window',
      '100ms',
    );
    expect(JSON.parse(stdout)).toMatchObject({ schema_version: 1, nodes: 22, links: 32, findings: [], problems: [] });
    expect(exitCode).toBe(0);
  });

  it('a slow link: 1, told with both its ends, as JSON and as text', async () => {
    const subnet = await open(renderFatTree({ ...tree, rates: new Map([[`${leafGuid(0)}/2`, '1xEDR']]) }));
    const tools = wrap(subnet);
    const json = await whyidle('fabric', '--tools', tools, '--once', '--json', '--window', '100ms');
    expect(json.exitCode).toBe(1);
    expect(JSON.parse(json.stdout)).toMatchObject({
      findings: [
        {
          ...{ kind: 'degraded_width', severity: 'warning' },
          ports: [
            { guid: hostGuid(1), port: 1 },
            { guid: leafGuid(0), port: 2 },
          ],
        },
      ],
    });
    const text = await whyidle('fabric', '--tools', tools, '--once', '--window', '100ms');
    expect(text.exitCode).toBe(1);
    expect(text.stdout).toContain('16 hca, 6 switch');
    expect(text.stdout).toMatch(/^warning +degraded_width +gpu002 mlx5_0 port 1 to leaf1 port 2 runs at 1X EDR/m);
  });

  it('no InfiniBand here: 2 and a sentence', async () => {
    const { exitCode, stdout, stderr } = await whyidle('fabric', '--once');
    expect([exitCode, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(/^whyidle: ibnetdiscover: no \/dev\/infiniband\/umad\* can be opened.*\n$/);
  });

  it('no tools: 2 and what is missing; an unknown flag: 64', async () => {
    const empty = scratch();
    const none = await whyidle('fabric', '--tools', empty, '--once');
    expect(none.exitCode).toBe(2);
    expect(none.stderr).toContain(`ibnetdiscover, iblinkinfo, ibqueryerrors cannot be found in ${empty}`);
    expect((await whyidle('fabric', '--tols', empty)).exitCode).toBe(64);
  });

  async function open(what: Net = net): Promise<Subnet> {
    const file = join(scratch(), 'subnet.net');
    writeFileSync(file, what.text);
    const subnet = await startSubnet(file, preload ?? '');
    cleanups.push(() => subnet.stop());
    return subnet;
  }
});

function scratch(): string {
  const folder = mkdtempSync(join(tmpdir(), 'whyidle-fabric-test-'));
  cleanups.push(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  return folder;
}

function wrap(subnet: Subnet): string {
  const folder = join(scratch(), 'tools');
  wrapTools(subnet, folder);
  return folder;
}

/** From source: this suite needs no build. */
async function whyidle(
  ...args: readonly string[]
): Promise<{ exitCode: number | null; stdout: string; stderr: string }> {
  const child = spawn(process.execPath, [join(projectRoot, 'server/cli/whyidle.ts'), ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  await once(child, 'close');
  return { exitCode: child.exitCode, stdout, stderr };
}

async function untilActive(subnet: Subnet, ends: number): Promise<void> {
  await until(async () => (await subnet.run('iblinkinfo', '-l')).split('Active/').length - 1 >= ends);
}

async function until(isSo: () => Promise<boolean>): Promise<void> {
  for (let attempt = 0; attempt < 500 && !(await isSo()); attempt++)
    await new Promise((resolve) => setTimeout(resolve, 20));
}
