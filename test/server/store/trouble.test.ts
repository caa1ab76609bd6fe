// A disk that is full, fails or hangs; readers of the journal that are slow or fail; the thread that dies.
import { mkdirSync, readdirSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { realFiles, type JournalFile, type JournalFiles } from '#agent/journal';
import { describe, expect, test } from 'vitest';
import { Outbox } from '../../../server/store/outbox.ts';
import { AgentStandIn } from './agent-stand-in.ts';
import { CoreStand, ownFolder } from './core-stand.ts';

const T = 1_800_000_000_000;

/** Files whose writing fails with a code while one is set. */
function faultyFiles(): JournalFiles & { code: string | undefined } {
  const files: JournalFiles & { code: string | undefined } = { ...realFiles, code: undefined, open };
  const fail = (): Promise<never> | undefined => {
    const { code } = files;
    if (code === undefined) return undefined;
    return Promise.reject(Object.assign(new Error(`${code}: as the test wants it`), { code }));
  };
  async function open(...args: Parameters<JournalFiles['open']>): Promise<JournalFile> {
    const file = await realFiles.open(...args);
    return {
      ...file,
      write: (buffers, position) => fail() ?? file.write(buffers, position),
      sync: () => fail() ?? file.sync(),
    };
  }
  return files;
}

describe('a disk that takes nothing', () => {
  test.each([
    ['ENOSPC', 'disk_full'],
    ['EDQUOT', 'disk_full'],
    ['EIO', 'failing'],
    ['EROFS', 'failing'],
  ])('%s: nothing is acknowledged and nothing is lost; it goes on by itself', async (code, reason) => {
    const folder = ownFolder();
    const files = faultyFiles();
    let stand = await CoreStand.open({ folder, files });
    const agent = new AgentStandIn('node07');
    await stand.store(agent.session, agent.frame([1, 0, 1, 0], T));
    files.code = code;
    const ticket = stand.append(agent.frame([2, 0, 1, 0], T + 1000), agent.frame([3, 0, 1, 0], T + 2000));
    await stand.until((message) => message.kind === 'trouble');
    expect(stand.last('trouble').reason).toBe(reason);
    expect(stand.last('durable').ticket).toBeLessThan(ticket);
    const { series } = await stand.query({ labels: { device: 'nvme0n1' } });
    expect(series[0]?.exact).toEqual(['1', '2', '3']);
    files.code = undefined;
    await stand.until((message) => message.kind === 'durable' && message.ticket === ticket);
    await stand.close();
    stand = await CoreStand.open({ folder });
    expect(stand.opened.known).toMatchObject([{ seqs: [[1, 3]] }]);
    expect((await stand.query({ labels: { device: 'nvme0n1' } })).series[0]?.exact).toEqual(['1', '2', '3']);
    await stand.close();
  });

  test('a schema that cannot be written keeps its frames from being acknowledged', async () => {
    const folder = ownFolder();
    const stand = await CoreStand.open({ folder });
    const agent = new AgentStandIn('node07');
    // Something stands where the schema is written first.
    const elsewhere = ownFolder();
    const other = await CoreStand.open({ folder: elsewhere });
    await other.store(agent.session);
    await other.close();
    const [schema = ''] = readdirSync(join(elsewhere, 'schemas'));
    const obstacle = join(folder, 'schemas', `${schema}.tmp`);
    mkdirSync(obstacle);
    const ticket = stand.append(agent.session, agent.frame([1, 0, 1, 0], T));
    await stand.until((message) => message.kind === 'trouble');
    expect(stand.messages.some((message) => message.kind === 'durable' && message.ticket >= ticket)).toBe(false);
    rmdirSync(obstacle);
    await stand.until((message) => message.kind === 'durable' && message.ticket === ticket);
    await stand.close();
  });
});

describe('what the main thread keeps until it is on disk', () => {
  const session = new AgentStandIn('node07');
  const frame = (agent: AgentStandIn, at: number, key = false) => agent.frame([at, 0, 1, 0], T + at * 1000, { key });

  test('is bounded: the newest are refused, and a chain begins again only with a key frame', () => {
    const outbox = new Outbox(0, 500);
    const agent = new AgentStandIn('node07');
    expect(outbox.append(agent.session)).toBe(1);
    outbox.append(frame(agent, 0, true));
    outbox.take();
    let refused = 0;
    for (let at = 1; refused === 0; at++) {
      outbox.append(frame(agent, at));
      if (!outbox.isEmpty) outbox.take();
      refused = outbox.forgotten()[0]?.[0] ?? 0;
    }
    outbox.durable(refused - 1);
    // There is room, but the frame before this one is missing.
    expect(outbox.append(frame(agent, 100))).toBe(refused + 1);
    expect(outbox.append(frame(agent, 101, true))).toBe(refused + 2);
    expect(outbox.append(frame(agent, 102))).toBe(refused + 3);
    expect(outbox.forgotten()).toEqual([[refused + 1, refused + 1]]);
  });

  test('frames of a session that was refused are refused until it is announced again', () => {
    const outbox = new Outbox(0, 100);
    outbox.append(session.session);
    outbox.take();
    const agent = new AgentStandIn('node08');
    outbox.append(agent.session);
    outbox.append(frame(agent, 0, true));
    outbox.durable(1);
    outbox.append(frame(agent, 1, true));
    expect(outbox.forgotten()).toEqual([[2, 4]]);
    outbox.append(agent.session);
    outbox.take();
    outbox.durable(5);
    outbox.append(frame(agent, 2, true));
    expect(outbox.forgotten()).toEqual([]);
    expect(outbox.isEmpty).toBe(false);
  });

  test('after a failure of the worker everything that is not durable is forgotten', () => {
    const outbox = new Outbox(0);
    const agent = new AgentStandIn('node07');
    outbox.append(agent.session);
    outbox.append(frame(agent, 0, true));
    outbox.take();
    outbox.durable(2);
    outbox.append(frame(agent, 1));
    outbox.take();
    outbox.append(frame(agent, 2));
    outbox.lose();
    expect(outbox.isEmpty).toBe(true);
    outbox.append(frame(agent, 3));
    outbox.append(frame(agent, 4, true));
    expect(outbox.forgotten()).toEqual([[3, 5]]);
    expect(outbox.isEmpty).toBe(false);
  });
});
