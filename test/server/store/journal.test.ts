// What survives: restarts, damage, retention; and that a segment's index says what the segment says.
import { mkdirSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { AgentStandIn } from './agent-stand-in.ts';
import { CoreStand, ownFolder, type StandOptions } from './core-stand.ts';

const T = 1_800_000_000_000;

function names(folder: string, end: string): readonly string[] {
  return readdirSync(join(folder, 'journal'))
    .filter((name) => name.endsWith(end))
    .toSorted();
}

/** Frames `from` to `to`, one a second, a key frame every tenth. */
function frames(agent: AgentStandIn, from: number, to: number): ReturnType<AgentStandIn['frame']>[] {
  return Array.from({ length: to - from + 1 }, (_, at) => {
    const second = from + at;
    return agent.frame([second, 0, 1, 0], T + second * 1000, { key: at === 0 || second % 10 === 0 });
  });
}

async function counts(stand: CoreStand, node: string): Promise<readonly string[]> {
  const { series } = await stand.query({ labels: { node, device: 'nvme0n1' } });
  return series[0]?.exact ?? [];
}

function seconds(from: number, to: number): readonly string[] {
  return Array.from({ length: to - from + 1 }, (_, at) => String(from + at));
}

/** Segments so small that a few frames fill one. */
const small: Pick<StandOptions, 'settings'> = { settings: { segmentBytes: 1500 } };

describe('a restart', () => {
  test('knows what is stored, and gives back each node since its newest key frame', async () => {
    const folder = ownFolder();
    const [first, second] = [new AgentStandIn('node07'), new AgentStandIn('node08', { seq: 100 })];
    let stand = await CoreStand.open({ folder });
    const sent = frames(first, 0, 25);
    await stand.store(first.session, ...sent, second.session, ...frames(second, 0, 3));
    await stand.store({
      ...{ kind: 'gap', node: 'node08', instance: 'node08-boot1', fromSeq: 104, toSeq: 110 },
      ...{ fromMs: T, toMs: T + 12_000, reason: 'refused' },
    });
    await stand.close();
    stand = await CoreStand.open({ folder });
    expect(stand.opened.known).toEqual([
      { node: 'node07', instance: 'node07-boot1', seqs: [[1, 26]], lastMs: T + 25_000 },
      { node: 'node08', instance: 'node08-boot1', seqs: [[100, 110]], lastMs: T + 3000 },
    ]);
    const [restored] = stand.restored();
    expect(restored?.session).toMatchObject({ node: 'node07', instance: 'node07-boot1', series: first.session.series });
    expect(restored?.frames.map(({ seq, key, bytes }) => ({ seq, key, bytes }))).toEqual(
      sent.slice(20).map(({ seq, key, bytes }) => ({ seq, key, bytes: new Uint8Array(bytes) })),
    );
    expect(stand.opened.figures.gapSeconds).toEqual(new Map([['refused', 14]]));
    await stand.close();
  });

  test('sessions of two server processes are not taken for each other', async () => {
    const folder = ownFolder();
    for (const [boot, count] of [
      ['boot-one', 5],
      ['boot-two', 7],
    ] as const) {
      const stand = await CoreStand.open({ folder });
      const agent = new AgentStandIn('node07', { session: 1, instance: boot });
      await stand.store(agent.session, agent.frame([count, 0, 1, 0], T + count * 1000));
      await stand.close();
    }
    const stand = await CoreStand.open({ folder });
    expect(await counts(stand, 'node07')).toEqual(['5', '7']);
    expect(stand.opened.known.map(({ instance, seqs }) => [instance, seqs])).toEqual([
      ['boot-one', [[1, 1]]],
      ['boot-two', [[1, 1]]],
    ]);
    await stand.close();
  });

  test('a node whose frames go over many segments is read and restored as if it were one', async () => {
    const folder = ownFolder();
    let stand = await CoreStand.open({ folder, ...small });
    const agent = new AgentStandIn('node07');
    await stand.store(agent.session);
    for (const frame of frames(agent, 0, 98)) await stand.store(frame);
    expect(names(folder, '.segment').length).toBeGreaterThan(3);
    expect(await counts(stand, 'node07')).toEqual(seconds(0, 98));
    await stand.close();
    stand = await CoreStand.open({ folder, ...small });
    expect(await counts(stand, 'node07')).toEqual(seconds(0, 98));
    expect(stand.restored()[0]?.frames.map(({ seq }) => seq)).toEqual([91, 92, 93, 94, 95, 96, 97, 98, 99]);
    await stand.close();
  });
});

describe('the index beside a segment', () => {
  test('missing, cut, damaged or of another segment: it is made again and says the same', async () => {
    const folder = ownFolder();
    let stand = await CoreStand.open({ folder, ...small });
    const agent = new AgentStandIn('node07');
    await stand.store(agent.session);
    for (const frame of frames(agent, 0, 98)) await stand.store(frame);
    await stand.close();
    const before = names(folder, '.index').map((name) => readFileSync(join(folder, 'journal', name)));
    const [one = '', two = '', three = '', four = ''] = names(folder, '.index').map((name) =>
      join(folder, 'journal', name),
    );
    rmSync(one);
    truncateSync(two, 100);
    const bytes = readFileSync(three);
    bytes[bytes.length - 60] = (bytes[bytes.length - 60] ?? 0) ^ 1;
    writeFileSync(three, bytes);
    writeFileSync(four, before[0] ?? '');
    stand = await CoreStand.open({ folder, ...small });
    expect(stand.opened.known).toMatchObject([{ seqs: [[1, 99]] }]);
    expect(await counts(stand, 'node07')).toEqual(seconds(0, 98));
    await stand.close();
    const after = names(folder, '.index').map((name) => readFileSync(join(folder, 'journal', name)));
    expect(after.slice(0, before.length)).toEqual(before);
  });

  test('a damaged block is found when it is read', async () => {
    const folder = ownFolder();
    let stand = await CoreStand.open({ folder });
    const agent = new AgentStandIn('node07');
    await stand.store(agent.session, ...frames(agent, 0, 30));
    await stand.close();
    // Opening reads the newest segment's index; one after it keeps the damaged one closed until it is asked for.
    stand = await CoreStand.open({ folder });
    const file = join(folder, 'journal', names(folder, '.index')[0] ?? '');
    const bytes = readFileSync(file);
    bytes[10] = (bytes[10] ?? 0) ^ 1;
    writeFileSync(file, bytes);
    expect(await counts(stand, 'node07')).toEqual(seconds(0, 30));
    await stand.close();
  });
});

describe('damage', () => {
  test('of one record costs the readings up to the next key frame, and the answer says so', async () => {
    const folder = ownFolder();
    const stand = await CoreStand.open({ folder });
    const agent = new AgentStandIn('node07');
    const sent = frames(agent, 0, 30);
    await stand.store(agent.session, ...sent);
    damage(join(folder, 'journal', names(folder, '.segment')[0] ?? ''), sent[15]?.bytes);
    const { series, gaps } = await stand.query({ labels: { device: 'nvme0n1' } });
    expect(series[0]?.exact).toEqual([...seconds(0, 14), ...seconds(20, 30)]);
    expect(gaps).toMatchObject([{ node: 'node07', fromSeq: 16, toSeq: 16, reason: 'damaged' }]);
    await stand.close();
  });

  test('found at a start is recorded as a gap, once', async () => {
    const folder = ownFolder();
    let stand = await CoreStand.open({ folder });
    const agent = new AgentStandIn('node07');
    const sent = frames(agent, 0, 30);
    await stand.store(agent.session, ...sent);
    // As if the process had been killed: nothing is sealed.
    const file = join(folder, 'journal', names(folder, '.segment')[0] ?? '');
    const content = readFileSync(file);
    await stand.close();
    rmSync(join(folder, 'journal', names(folder, '.index')[0] ?? ''));
    writeFileSync(file, content);
    damage(file, sent[15]?.bytes);
    for (let starts = 0; starts < 2; starts++) {
      stand = await CoreStand.open({ folder });
      const { gaps } = await stand.query({ labels: { device: 'nvme0n1' } });
      expect(gaps).toMatchObject([{ node: 'node07', fromSeq: 16, toSeq: 16, reason: 'damaged' }]);
      expect(await counts(stand, 'node07')).toEqual([...seconds(0, 14), ...seconds(20, 30)]);
      await stand.close();
    }
  });

  test('anywhere: it opens, and what it still gives is right', async () => {
    const folder = ownFolder();
    const stand = await CoreStand.open({ folder });
    const agent = new AgentStandIn('node07');
    await stand.store(agent.session, ...frames(agent, 0, 30));
    await stand.close();
    const file = join(folder, 'journal', names(folder, '.segment')[0] ?? '');
    const whole = readFileSync(file);
    await fc.assert(
      fc.asyncProperty(fc.nat(whole.length - 1), fc.integer({ min: 1, max: 255 }), async (at, flip) => {
        const bytes = Buffer.from(whole);
        bytes[at] = (bytes[at] ?? 0) ^ flip;
        const copy = ownFolder();
        for (const part of ['journal', 'schemas']) copyFolder(join(folder, part), join(copy, part));
        for (const name of names(copy, '.index')) rmSync(join(copy, 'journal', name));
        writeFileSync(join(copy, 'journal', names(copy, '.segment')[0] ?? ''), bytes);
        const opened = await CoreStand.open({ folder: copy });
        const found = await counts(opened, 'node07');
        expect(
          found.every((count, index) => Number(count) <= 30 && Number(count) > Number(found[index - 1] ?? -1)),
        ).toBe(true);
        await opened.close();
      }),
      { numRuns: 40 },
    );
  });
});

describe('retention', () => {
  test('old segments go with their indexes and schemas; what they knew is still known', async () => {
    const folder = ownFolder();
    let nowMs = T;
    const options = { folder, nowMs: () => nowMs, settings: { segmentBytes: 1500, keepMs: 60_000 } };
    let stand = await CoreStand.open(options);
    const old = new AgentStandIn('node07', { series: [['load1', []]] });
    await stand.store(old.session, ...[1, 2, 3].map((at) => old.frame([at], T + at)));
    const agent = new AgentStandIn('node08');
    await stand.store(agent.session);
    for (const frame of frames(agent, 0, 400)) {
      nowMs = frame.receivedMs;
      await stand.store(frame);
    }
    expect(readdirSync(join(folder, 'schemas'))).toHaveLength(2);
    const before = names(folder, '.segment');
    await stand.close();
    // Retention comes with the first second of a start.
    stand = await CoreStand.open(options);
    await stand.until((message) => message.kind === 'figures');
    const again = new AgentStandIn('node08', { seq: 402 });
    await stand.store(again.session, ...frames(again, 401, 401));
    await stand.close();
    const after = names(folder, '.segment');
    expect(after.length).toBeLessThan(before.length / 2);
    expect(names(folder, '.index').map((name) => name.replace('.index', '.segment'))).toEqual(after);
    expect(readdirSync(join(folder, 'schemas'))).toHaveLength(1);
    stand = await CoreStand.open(options);
    expect(stand.opened.known.map(({ node, seqs }) => [node, seqs])).toEqual([
      ['node07', [[1, 3]]],
      ['node08', [[1, 402]]],
    ]);
    const kept = await counts(stand, 'node08');
    expect(kept.at(-1)).toBe('401');
    expect(kept.length).toBeLessThan(150);
    // From there on nothing is missing.
    const sinceMs = stand.opened.figures.journalSinceMs ?? NaN;
    const { series } = await stand.query({ labels: { node: 'node08', device: 'nvme0n1' }, fromMs: sinceMs });
    expect(series[0]?.exact).toEqual(seconds((sinceMs - T) / 1000, 401));
    await stand.close();
  });

  test('an agent process that was not heard for two days is forgotten', async () => {
    const folder = ownFolder();
    let nowMs = T;
    const options = { folder, nowMs: () => nowMs, settings: { segmentBytes: 1500, keepMs: 60_000 } };
    let stand = await CoreStand.open(options);
    const old = new AgentStandIn('node07');
    await stand.store(old.session, ...frames(old, 0, 3));
    await stand.close();
    nowMs += 49 * 3_600_000;
    stand = await CoreStand.open(options);
    await stand.until((message) => message.kind === 'figures');
    const agent = new AgentStandIn('node08');
    await stand.store(agent.session);
    for (let at = 0; at < 60; at++)
      await stand.store(agent.frame([at, 0, 1, 0], (nowMs += 10_000), { key: at % 5 === 0 }));
    await stand.close();
    stand = await CoreStand.open(options);
    await stand.until((message) => message.kind === 'figures');
    await stand.close();
    stand = await CoreStand.open(options);
    expect(stand.opened.known.map(({ node }) => node)).toEqual(['node08']);
    await stand.close();
  });
});

/** Changes one byte of the record that holds these bytes. */
function damage(file: string, held: Uint8Array | undefined): void {
  const content = readFileSync(file);
  const at = held ? content.indexOf(held) : -1;
  if (at < 0) throw new Error('the segment does not hold the frame');
  content[at] = (content[at] ?? 0) ^ 0xff;
  writeFileSync(file, content);
}

function copyFolder(from: string, to: string): void {
  mkdirSync(to);
  for (const name of readdirSync(from)) writeFileSync(join(to, name), readFileSync(join(from, name)));
}
