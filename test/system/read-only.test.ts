// What the agent, its fabric sweeper and `whyidle fabric` open, make, change, start and signal while they read, as the kernel
// sees it: strace(1). Nothing is written but in the sweeper's own folder, and whatever is started gets questions only.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { globSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { preloadLibrary, startSubnet, wrapTools, type Subnet } from '../doubles/fabric/ibsim.ts';
import { leafGuid, renderFatTree } from '../doubles/fabric/net.ts';
import { leftOut } from '../left-out.ts';
import { missingPrograms } from '../real/programs.ts';
import { AgentProgram } from './gpu-agent.ts';
import { projectRoot, until } from './program.ts';
import { layOutEveryArea } from './every-area.ts';
import { faultsIn } from './read-only-rules.ts';
import {
  basename,
  endTraced,
  openingOf,
  readTrace,
  startOf,
  straceTo,
  whyNoStrace,
  type TracedCall,
} from './read-only-trace.ts';

// Where Debian has infiniband-diags.
process.env['PATH'] = [process.env['PATH'], '/usr/sbin', '/sbin'].join(delimiter);
const noStrace = whyNoStrace();
if (noStrace !== undefined) leftOut('reading changes nothing', noStrace);
const preload = preloadLibrary();
const noSubnet =
  noStrace ??
  missingPrograms('ibsim', 'opensm', 'ibnetdiscover', 'iblinkinfo', 'ibqueryerrors', 'perfquery') ??
  (preload === undefined ? 'libumad2sim0 not installed' : undefined);
if (noSubnet !== undefined && noStrace === undefined) leftOut('reading a fabric changes nothing', noSubnet);

const cleanups: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const clean of cleanups.splice(0).reverse()) await clean();
});

describe.skipIf(noStrace !== undefined)('reading changes nothing', { timeout: 60_000 }, () => {
  test('a recorded node with every area: no file is written, no program started', async () => {
    const root = join(scratch(), 'root');
    layOutEveryArea(root);
    const { agent, traces } = startTraced('--root', root, '--compat', 'node_exporter,dcgm-exporter');
    const page = await agent.pageWith('its readings', (one) => one.count('collector_up') > 0);
    // Read at the start, for a page, and in the slow lane.
    const mounts = join(root, 'proc/self/mountinfo');
    const before = timesOpened(traces, mounts);
    await until('the slow lane, again', () => (timesOpened(traces, mounts) > before ? true : undefined));
    await agent.page();
    await endTraced(agent);
    const trace = readTrace(traces);

    expect(faultsIn(trace, { folders: [] })).toEqual([]);
    expect(startedIn(trace)).toEqual(['node']);
    const missing = page.lines.flatMap(
      (line) => /^whyidle_unavailable\{.*area="(\w+)",.*name=""/.exec(line)?.[1] ?? [],
    );
    // Programs or a driver tell of these, and none is asked below a root.
    expect(missing.toSorted()).toEqual(['gpfs', 'gpu', 'process']);
  });

  test.skipIf(noSubnet !== undefined)('this host and its subnet', async () => {
    const folder = scratch();
    const { subnet, tools } = await openSubnet(folder);
    const fabric = ['--fabric', '--fabric-tools', tools];
    // Nobody is there: it tries again and again, and keeps what it owes in a folder of its own.
    const server = ['--server', 'http://127.0.0.1:1', '--state', join(folder, 'state')];
    const config = join(folder, 'agent.yaml');
    writeFileSync(config, 'fabric:\n  interval: 5s\n');
    const { agent, traces, temporary } = startTraced(...fabric, ...server, '--config', config);
    await until('a first round', () => (agent.log.includes('the fabric is read') ? true : undefined));
    await subnet.console(
      `PerformanceSet "S-${leafGuid(0)}"[1] PortCounters.PortXmitDiscards=640`,
      `PerformanceSet "S-${leafGuid(0)}"[1] PortCounters.PortRcvErrors=3`,
    );
    await until('details of a port', () =>
      readTrace(traces).some(({ line }) => /^execve\(.*perfquery", "-E"/.test(line)) ? true : undefined,
    );
    await agent.pageWith('file systems', (page) => page.count('filesystem_size_bytes') > 0);
    await endTraced(agent);
    const trace = readTrace(traces);

    expect(faultsIn(trace, { folders: [temporary, folder] })).toEqual([]);
    // What it should have asked was asked: an empty trace proves nothing.
    expect(startedIn(trace)).toEqual(
      expect.arrayContaining(['ibnetdiscover', 'iblinkinfo', 'ibqueryerrors', 'lscpu', 'perfquery', 'sh', 'stat']),
    );
    expect(timesOpened(traces, '/proc/stat')).toBeGreaterThan(0);
    expect(globSync(join(folder, 'state/spool/*/*.segment'))).toHaveLength(1);
    // Nothing else stays behind.
    expect(globSync(join(temporary, '*'))).toEqual([]);
  });

  test.skipIf(noSubnet !== undefined)('whyidle fabric --once', async () => {
    const folder = scratch();
    const { tools } = await openSubnet(folder);
    const { launcher, traces, temporary } = newTrace();
    const whyidle = [process.execPath, join(projectRoot, 'server/cli/whyidle.ts'), 'fabric', '--once'];
    const [file, ...args] = [...launcher, ...whyidle, '--tools', tools, '--window', '100ms'];
    const child = spawn(file, args, { stdio: 'ignore' });
    await once(child, 'exit');
    const trace = readTrace(traces);

    expect(child.exitCode).toBe(0);
    expect(faultsIn(trace, { folders: [temporary] })).toEqual([]);
    expect(startedIn(trace)).toEqual(['iblinkinfo', 'ibnetdiscover', 'ibqueryerrors', 'node', 'perfquery']);
    // The sweeper's folder has gone with it.
    expect(globSync(join(temporary, '*'))).toEqual([]);
  });
});

describe.skipIf(noStrace !== undefined)('the trace shows what is done', () => {
  test('a shell that makes, moves, opens, signals and removes', () => {
    const { launcher, traces, temporary } = newTrace();
    const [old, other] = [join(temporary, 'old'), join(temporary, 'new')];
    const script = `: >${old}; chmod 600 ${old}; mv ${old} ${other}; mkdir ${old}; rm -r ${other} ${old}; kill -0 1`;
    const [file, ...args] = [...launcher, 'sh', '-c', script];
    spawnSync(file, args, { stdio: 'ignore' });
    const faults = faultsIn(readTrace(traces), { folders: [] });
    const told = faults.map((fault) => /^([\w ]+): (\w+)/.exec(fault)?.slice(1).join(' '));
    expect(new Set(told)).toEqual(
      new Set([
        'started sh',
        'opened for writing sh',
        'started chmod',
        'changed chmod',
        'started mv',
        'changed mv',
        'started mkdir',
        'changed mkdir',
        'started rm',
        'changed rm',
        'signalled sh',
      ]),
    );
  });
});

function scratch(): string {
  const folder = mkdtempSync(join(tmpdir(), 'whyidle-read-only-'));
  cleanups.push(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  return folder;
}

interface NewTrace {
  readonly launcher: readonly string[];
  readonly traces: string;
  /** The one folder that what is traced is given for its own files. */
  readonly temporary: string;
}

function newTrace(): NewTrace {
  const folder = scratch();
  const [traces, temporary] = [join(folder, 'traces'), join(folder, 'temporary')];
  mkdirSync(traces);
  mkdirSync(temporary);
  return { launcher: ['env', `TMPDIR=${temporary}`, ...straceTo(traces)], traces, temporary };
}

function startTraced(...args: readonly string[]): NewTrace & { readonly agent: AgentProgram } {
  const trace = newTrace();
  const agent = new AgentProgram(['--interval', '100ms', ...args], trace.launcher);
  cleanups.push(() => endTraced(agent));
  return { ...trace, agent };
}

async function openSubnet(folder: string): Promise<{ readonly subnet: Subnet; readonly tools: string }> {
  const [net, tools] = [join(folder, 'subnet.net'), join(folder, 'tools')];
  writeFileSync(net, renderFatTree({ hosts: 4, hostsPerLeaf: 2, spines: 1, uplinks: 1 }).text);
  const subnet = await startSubnet(net, preload ?? '');
  cleanups.push(() => subnet.stop());
  wrapTools(subnet, tools);
  return { subnet, tools };
}

/** Names of the programs that were started, each once. */
function startedIn(trace: readonly TracedCall[]): readonly string[] {
  const files = trace.flatMap((call) => (call.result.startsWith('0') ? (startOf(call)?.file ?? []) : []));
  return [...new Set(files.map(basename))].toSorted();
}

function timesOpened(traces: string, path: string): number {
  return readTrace(traces).filter((call) => openingOf(call)?.path === path).length;
}
