// The net file of the simulated fabric in the real simulator of fabrics, looked at by the real tools: they find what the
// stand-ins print.
import { execFile, execFileSync, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { discoveryParser, type Discovery } from '../../../../agent/parse/fabric/ibnetdiscover.ts';
import { parseLines } from '../../../../agent/parse/fabric/line-parser.ts';
import { noFaults } from '../../../../agent/simulator/faults.ts';
import { sherlock } from '../../../../agent/simulator/hardware.ts';
import { renderIbsimNet } from '../../../../agent/simulator/render/ibsim-net.ts';
import { renderNetDiscover } from '../../../../agent/simulator/render/infiniband-diags.ts';
import { fabricMomentOf } from '../../../../agent/simulator/simulated-cluster.ts';
import { SimulatedWorkload } from '../../../../agent/simulator/workload.ts';
import { leftOut } from '../../../left-out.ts';
import { missingPrograms } from '../../../real/programs.ts';

const moment = fabricMomentOf(new SimulatedWorkload(1, sherlock({ seed: 1, nowS: 1_800_000_000 }), noFaults));

test('the net file begins with the adapter that looks', () => {
  const [, first] = renderIbsimNet(moment).split('\n\n');
  expect(first).toContain('"node01 mlx5_0"');
  expect(parseLines(discoveryParser(), renderIbsimNet(moment)).devices).toHaveLength(104);
});

const missing =
  missingPrograms('ibsim', 'ibnetdiscover') ?? (preload() === '' ? 'libumad2sim0 not installed' : undefined);
if (missing !== undefined) leftOut('the simulated fabric in ibsim', missing);

test.skipIf(missing !== undefined)(
  'ibnetdiscover finds the same fabric in ibsim',
  async () => {
    const found = await discoverInIbsim(renderIbsimNet(moment));
    const own = parseLines(discoveryParser(), renderNetDiscover(moment));
    const linksOf = ({ ports }: Discovery): readonly string[] =>
      ports.map(({ guid, port, peer }) => `${guid}/${port} ${peer.guid}/${peer.port}`).toSorted();
    const namesOf = ({ devices }: Discovery): readonly string[] =>
      devices.map(({ guid, kind, name, ports }) => `${guid} ${kind} ${name} ${ports}`).toSorted();
    expect(namesOf(found)).toEqual(namesOf(own));
    expect(linksOf(found)).toEqual(linksOf(own));
  },
  60_000,
);

function preload(): string {
  try {
    const files = execFileSync('dpkg', ['-L', 'libumad2sim0'], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    return files.split('\n').find((line) => line.endsWith('/libumad2sim.so')) ?? '';
  } catch {
    return ''; // not Debian, or not installed
  }
}

async function discoverInIbsim(net: string): Promise<Discovery> {
  const folder = mkdtempSync(join(tmpdir(), 'whyidle-ibsim-'));
  mkdirSync(join(folder, 'cwd'));
  writeFileSync(join(folder, 'net'), net);
  const env = { ...process.env, IBSIM_SOCKNAME: randomUUID().slice(0, 12) };
  const simulator = spawn('ibsim', ['-s', join(folder, 'net')], {
    env,
    cwd: folder,
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  try {
    let log = '';
    for await (const part of simulator.stdout) {
      log += String(part);
      if (log.includes('Network simulator ready')) break;
    }
    const options = { env: { ...env, LD_PRELOAD: preload() }, cwd: join(folder, 'cwd'), timeout: 20_000 };
    const text = await new Promise<string>((resolve, reject) => {
      execFile('ibnetdiscover', [], { ...options, killSignal: 'SIGINT' }, (error, stdout, stderr) => {
        if (error) reject(new Error(`${stderr}\n${log}`, { cause: error }));
        else resolve(stdout);
      });
    });
    return parseLines(discoveryParser(), text);
  } finally {
    const ended = once(simulator, 'exit');
    simulator.kill();
    await ended;
    rmSync(folder, { recursive: true });
  }
}
