// What follows the journal sees every durable record once, over all lives of the store.
import type { FrameDecoder } from '#agent/contract';
import { describe, expect, test } from 'vitest';
import type { DecodedSession, HistoryConsumer } from '../../../server/store/consumer.ts';
import type { GapEntry, QueryResult } from '../../../server/store/entries.ts';
import { AgentStandIn } from './agent-stand-in.ts';
import { CoreStand, ownFolder } from './core-stand.ts';

const T = 1_800_000_000_000;

interface Shown {
  readonly node: string;
  readonly value: string;
  readonly gained: number;
  readonly spanSeconds: number;
}

/** Keeps what it is shown, and forgets at its end what it was shown after its last advance. */
class Recorder implements HistoryConsumer {
  watermark: number;
  readonly kept: Shown[];
  readonly gaps: GapEntry[] = [];
  readonly sessions: DecodedSession[] = [];
  readonly ended: DecodedSession[] = [];
  readonly bytes = 0;
  #shown: Shown[] = [];
  /** Advances are refused while it is set. */
  isBroken = false;
  onSample: () => void = () => undefined;

  constructor(before?: Recorder) {
    this.watermark = before?.watermark ?? 0;
    this.kept = [...(before?.kept ?? [])];
  }

  session(session: DecodedSession): void {
    this.sessions.push(session);
  }
  sessionEnd(session: DecodedSession): void {
    this.ended.push(session);
  }
  sample(session: DecodedSession, decoder: FrameDecoder, timeMs: number, spanSeconds: number, position: number): void {
    this.onSample();
    if (position <= this.watermark || timeMs < T) throw new Error('shown again');
    const [first] = session.published;
    const index = first?.index ?? -1;
    const gained = decoder.gained[index] ?? NaN;
    this.#shown.push({ node: session.node, value: String(decoder.exact(index)), gained, spanSeconds });
  }
  gap(gap: GapEntry): void {
    this.gaps.push(gap);
  }
  advance(position: number): Promise<void> {
    if (this.isBroken) return Promise.reject(new Error('the disk is full'));
    this.kept.push(...this.#shown);
    this.#shown = [];
    this.watermark = position;
    return Promise.resolve();
  }
  close(): Promise<void> {
    return Promise.resolve();
  }
  query(): Promise<QueryResult> {
    return Promise.resolve({ series: [], gaps: [], sinceMs: 5, engine: 'history' });
  }
}

function open(folder: string, history: Recorder, segmentBytes = 1500): Promise<CoreStand> {
  return CoreStand.open({ folder, parts: { history, remoteWrite: undefined }, settings: { segmentBytes } });
}

function frames(agent: AgentStandIn, from: number, to: number): ReturnType<AgentStandIn['frame']>[] {
  return Array.from({ length: to - from + 1 }, (_, at) => {
    const second = from + at;
    return agent.frame([second, 0, 1, 0], T + second * 1000, { key: at === 0 || second % 10 === 0 });
  });
}

async function shown(recorder: Recorder, count: number): Promise<void> {
  await expect.poll(() => recorder.kept.length, { timeout: 10_000 }).toBe(count);
}

describe('samples', () => {
  test('come in order, decoded, with what was gained and in what time', async () => {
    const recorder = new Recorder();
    const stand = await open(ownFolder(), recorder);
    const agent = new AgentStandIn('node07');
    await stand.store(agent.session, ...frames(agent, 1, 3), agent.frame([10, 0, 1, 0], T + 5000));
    await shown(recorder, 4);
    expect(recorder.kept).toEqual([
      { node: 'node07', value: '1', gained: NaN, spanSeconds: NaN },
      { node: 'node07', value: '2', gained: 1, spanSeconds: 1 },
      { node: 'node07', value: '3', gained: 1, spanSeconds: 1 },
      { node: 'node07', value: '10', gained: 7, spanSeconds: 2 },
    ]);
    expect(recorder.sessions).toMatchObject([{ node: 'node07', backlog: false, size: 4, intervalMs: 1000 }]);
    expect(recorder.sessions[0]?.published.map(({ id }) => id)).toEqual([
      'disk_read_bytes_total',
      'disk_read_bytes_total',
      'load1',
    ]);
    await stand.close();
  });

  test('repeated frames are no samples, but what later ones build on', async () => {
    const recorder = new Recorder();
    const stand = await open(ownFolder(), recorder);
    const agent = new AgentStandIn('node07', { backlog: true });
    await stand.store(
      agent.session,
      agent.frame([5, 0, 1, 0], T, { repeated: true }),
      agent.frame([6, 0, 1, 0], T + 1000),
    );
    await shown(recorder, 1);
    expect(recorder.kept).toEqual([{ node: 'node07', value: '6', gained: 1, spanSeconds: 1 }]);
    expect(recorder.sessions).toMatchObject([{ backlog: true }]);
    await stand.close();
  });

  test('a node that connects again ends its session before', async () => {
    const recorder = new Recorder();
    const stand = await open(ownFolder(), recorder);
    const [first, again] = [new AgentStandIn('node07'), new AgentStandIn('node07', { seq: 10 })];
    await stand.store(first.session, ...frames(first, 1, 2), again.session, ...frames(again, 10, 11));
    await shown(recorder, 4);
    expect(recorder.ended.map(({ session }) => session)).toEqual([first.session.session]);
    await stand.close();
  });

  test('gaps are shown as well', async () => {
    const recorder = new Recorder();
    const stand = await open(ownFolder(), recorder);
    await stand.store({
      ...{ kind: 'gap', node: 'node07', instance: 'node07-boot1', fromSeq: -1, toSeq: -1 },
      ...{ fromMs: T, toMs: T + 60_000, reason: 'not_running' },
    });
    await expect.poll(() => recorder.gaps).toMatchObject([{ node: 'node07', reason: 'not_running' }]);
    await stand.close();
  });
});

describe('exactly once', () => {
  test('over restarts at every place, also where nothing was kept before the end', async () => {
    const folder = ownFolder();
    let recorder = new Recorder();
    let next = 1;
    for (let life = 0; life < 12; life++) {
      recorder = new Recorder(recorder);
      // In some lives nothing that is shown is kept.
      recorder.isBroken = life % 3 === 1;
      const stand = await open(folder, recorder);
      const agent = new AgentStandIn('node07', { seq: next });
      await stand.store(agent.session, ...frames(agent, next, next + 6 + life));
      next += 7 + life;
      await stand.close();
    }
    recorder = new Recorder(recorder);
    const stand = await open(folder, recorder);
    await shown(recorder, next - 1);
    expect(recorder.kept.map(({ value }) => Number(value))).toEqual(
      Array.from({ length: next - 1 }, (_, at) => at + 1),
    );
    // One unknown gain at the beginning of every session, none where the store was only opened again.
    expect(recorder.kept.filter(({ gained }) => Number.isNaN(gained))).toHaveLength(12);
    await stand.close();
  });

  test('in the middle of a session: it is decoded from its last key frame before', async () => {
    const folder = ownFolder();
    const first = new Recorder();
    let stand = await open(folder, first);
    const agent = new AgentStandIn('node07');
    await stand.store(agent.session, ...frames(agent, 1, 15));
    await shown(first, 15);
    first.isBroken = true;
    await stand.store(...frames(agent, 16, 18).map((frame) => frame));
    await stand.close();
    const again = new Recorder(first);
    expect(again.kept).toHaveLength(15);
    stand = await open(folder, again);
    await shown(again, 18);
    expect(again.kept.slice(15).map(({ value, gained }) => [value, gained])).toEqual([
      ['16', 1],
      ['17', 1],
      ['18', 1],
    ]);
    await stand.close();
  });
});

describe('trouble of a reader', () => {
  test('one that throws is left out; the journal goes on', async () => {
    const recorder = new Recorder();
    const stand = await open(ownFolder(), recorder);
    recorder.onSample = () => {
      throw new Error('a mistake');
    };
    const agent = new AgentStandIn('node07');
    await stand.store(agent.session, ...frames(agent, 1, 3));
    await stand.store(...frames(agent, 4, 5));
    expect((await stand.query({ labels: { device: 'nvme0n1' } })).series[0]?.exact).toHaveLength(5);
    await stand.close();
  });

  test('segments that it has not read are kept beyond their time', async () => {
    const folder = ownFolder();
    const recorder = new Recorder();
    recorder.isBroken = true;
    let nowMs = T;
    const parts = { history: recorder, remoteWrite: undefined };
    const options = { folder, parts, nowMs: () => nowMs, settings: { segmentBytes: 1500, keepMs: 10_000 } };
    const stand = await CoreStand.open(options);
    const agent = new AgentStandIn('node07');
    await stand.store(agent.session);
    for (const frame of frames(agent, 1, 100)) {
      nowMs = frame.receivedMs;
      await stand.store(frame);
    }
    nowMs += 100_000;
    await stand.until((message) => message.kind === 'figures');
    expect((await stand.query({ labels: { device: 'nvme0n1' } })).series[0]?.exact).toHaveLength(100);
    recorder.isBroken = false;
    await shown(recorder, 100);
    await stand.close();
  });

  test('minutes and hours are its to answer', async () => {
    const stand = await open(ownFolder(), new Recorder());
    expect(await stand.query({ resolution: 'minute' })).toMatchObject({ engine: 'history', sinceMs: 5 });
    await stand.close();
  });
});
