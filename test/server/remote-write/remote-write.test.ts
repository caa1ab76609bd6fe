// Remote write against a receiver that is down, slow, full, choosy: every sample arrives once, or is counted.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { FrameDecoder, FrameEncoder, PRESENT } from '#agent/contract';
import { buildSchema } from '../../../server/fleet/schema.ts';
import { silentLog } from '../../../server/log.ts';
import { takeRemoteWrite, type RemoteWriteTarget } from '../../../server/remote-write/config.ts';
import { encodeLabels, RequestWriter, splitRequest } from '../../../server/remote-write/protobuf.ts';
import { RequestQueue } from '../../../server/remote-write/queue.ts';
import { retryAfterMs, Sender } from '../../../server/remote-write/sender.ts';
import { Target } from '../../../server/remote-write/target.ts';
import type { DecodedSession } from '../../../server/store/consumer.ts';
import { compress } from 'snappyjs';
import { accept, decodeRequest, Receiver } from './receiver.ts';

/** 20 s before a whole minute. */
const T0 = 1_700_000_080_000;
let scratch: string;
let folders = 0;
beforeAll(() => {
  scratch = mkdtempSync(join(tmpdir(), 'whyidle-remote-write-'));
});
afterAll(() => {
  rmSync(scratch, { recursive: true, force: true });
});
let receiver: Receiver;
let url: string;
beforeEach(async () => {
  receiver = new Receiver();
  url = await receiver.listen();
});
afterEach(() => receiver.close());
const newFolder = (): string => join(scratch, String(folders++));
const eventually = (check: () => void): Promise<void> => vi.waitFor(check, { timeout: 10_000, interval: 10 });

describe('a request', () => {
  test('is what the protocol says, labels sorted, empty ones left out', () => {
    const labels = encodeLabels({ node: 'n', __name__: 'whyidle_load1', device: '', text: 'größer "=\n' });
    const writer = new RequestWriter();
    writer.add(labels, 1.5, T0);
    writer.add(labels, -0.25, T0 + 1);
    expect(writer.samples).toBe(2);
    const request = writer.take();
    expect(decodeRequest(request)).toEqual([
      { labels: { __name__: 'whyidle_load1', node: 'n', text: 'größer "=\n' }, value: 1.5, timeMs: T0 },
      { labels: { __name__: 'whyidle_load1', node: 'n', text: 'größer "=\n' }, value: -0.25, timeMs: T0 + 1 },
    ]);
    expect(Object.keys(decodeRequest(request)[0]?.labels ?? {})).toEqual(['__name__', 'node', 'text']);
    expect(Buffer.concat([...splitRequest(request)]).equals(request)).toBe(true);
    expect(splitRequest(request)).toHaveLength(2);
  });

  test('grows with what is added', () => {
    const labels = encodeLabels({ __name__: 'x'.repeat(1000) });
    const writer = new RequestWriter();
    for (let at = 0; at < 500; at++) writer.add(labels, at, T0 + at);
    expect(decodeRequest(writer.take()).map(({ value }) => value)).toEqual(Array.from({ length: 500 }, (_, at) => at));
  });
});

async function openQueue(
  folder: string,
  capBytes = 10_000_000,
): Promise<{ queue: RequestQueue; dropped: () => number }> {
  let lost = 0;
  const queue = await RequestQueue.open({
    ...{ folder, capBytes, nowMs: () => 1, log: silentLog },
    onDropped: (samples) => {
      lost += samples;
    },
  });
  return { queue, dropped: () => lost };
}

/** One request of so many samples. */
function requestOf(first: number, count: number, watermark = first) {
  const writer = new RequestWriter();
  const labels = encodeLabels({ __name__: 'n' });
  for (let at = 0; at < count; at++) writer.add(labels, first + at, T0 + first + at);
  return { samples: count, watermark, body: compress(writer.take()) };
}
const values = (): number[] => receiver.samples.map(({ value }) => value);

describe('a queue and its receiver', () => {
  function send(queue: RequestQueue): Sender {
    const sender = new Sender({ url, headers: { Authorization: 'Bearer x' }, queue, log: silentLog, pauseMs: 5 });
    sender.start();
    return sender;
  }

  test('everything arrives in order, with the headers of the protocol', async () => {
    const { queue } = await openQueue(newFolder());
    const sender = send(queue);
    for (let at = 0; at < 30; at += 3) {
      await queue.enter([requestOf(at, 3)]);
      sender.wake();
    }
    await eventually(() => {
      expect(values()).toEqual(Array.from({ length: 30 }, (_, at) => at));
    });
    expect(receiver.requests[0]?.headers).toMatchObject({
      'content-encoding': 'snappy',
      'content-type': 'application/x-protobuf',
      'x-prometheus-remote-write-version': '0.1.0',
      authorization: 'Bearer x',
    });
    await eventually(() => {
      expect(sender.sent).toBe(30);
    });
    await sender.stop();
    await queue.close();
  });

  test('a receiver that fails, hangs up, or asks to wait is tried again until it takes everything', async () => {
    const { queue } = await openQueue(newFolder());
    let tries = 0;
    receiver.answer = (samples, response) => {
      tries++;
      if (tries === 1) response.writeHead(500).end('no');
      else if (tries === 2) response.destroy();
      else if (tries === 3) response.writeHead(429, { 'Retry-After': '0' }).end();
      else if (tries === 4) response.writeHead(503).end();
      else accept(samples, response);
    };
    await queue.enter([requestOf(0, 5)]);
    const sender = send(queue);
    await eventually(() => {
      expect(values()).toEqual([0, 1, 2, 3, 4]);
    });
    expect(tries).toBe(5);
    expect(sender.rejected).toBe(0);
    await sender.stop();
    await queue.close();
  });

  test('samples that it refuses are found and counted, the others arrive', async () => {
    const { queue } = await openQueue(newFolder());
    receiver.answer = (samples, response) => {
      if (samples.some(({ value }) => value === 13 || value === 77)) response.writeHead(400).end('bad sample');
      else accept(samples, response);
    };
    await queue.enter([requestOf(0, 100)]);
    const sender = send(queue);
    await eventually(() => {
      expect(sender.rejected).toBe(2);
      expect(values().toSorted((a, b) => a - b)).toEqual(
        Array.from({ length: 100 }, (_, at) => at).filter((at) => at !== 13 && at !== 77),
      );
    });
    await sender.stop();
    await queue.close();
  });

  test('what waits survives our end, and what was accepted is not sent again', async () => {
    const folder = newFolder();
    receiver.answer = (_samples, response) => {
      response.writeHead(503).end();
    };
    const first = await openQueue(folder);
    for (let at = 0; at < 20; at += 2) await first.queue.enter([requestOf(at, 2, 100 + at)]);
    const failing = send(first.queue);
    await eventually(() => {
      expect(receiver.requests.length).toBeGreaterThan(1);
    });
    await failing.stop();
    await first.queue.close();
    receiver.answer = accept;

    const second = await openQueue(folder);
    expect(second.queue.watermark).toBe(118);
    expect(second.queue.bytes).toBeGreaterThan(0);
    const sender = send(second.queue);
    await eventually(() => {
      expect(values()).toEqual(Array.from({ length: 20 }, (_, at) => at));
      expect(second.queue.bytes).toBe(0);
    });
    await sender.stop();
    await second.queue.close();

    const third = await openQueue(folder);
    expect(third.queue.watermark).toBe(118);
    const idle = send(third.queue);
    await third.queue.enter([requestOf(500, 1, 200)]);
    idle.wake();
    await eventually(() => {
      expect(values()).toHaveLength(21);
    });
    await idle.stop();
    await third.queue.close();
  });

  test('beyond the cap the oldest go and are counted', async () => {
    const { queue, dropped } = await openQueue(newFolder(), 300_000);
    const count = 400;
    const text = encodeLabels({ __name__: 'n', text: 'x' });
    for (let at = 0; at < count; at++) {
      const writer = new RequestWriter();
      for (let one = 0; one < 200; one++) writer.add(text, Math.random(), T0 + at);
      await queue.enter([{ samples: 200, watermark: at, body: compress(writer.take()) }]);
    }
    const sender = send(queue);
    await eventually(() => {
      expect(receiver.samples.length + dropped()).toBe(count * 200);
    });
    expect(dropped()).toBeGreaterThan(0);
    await sender.stop();
    await queue.close();
  });

  test.each([
    ['3', 3000],
    ['0', 0],
    ['Wed, 21 Oct 2026 07:28:10 GMT', 10_000],
    ['soon', undefined],
    [null, undefined],
  ])('Retry-After: %s', (text, ms) => {
    expect(retryAfterMs(text, Date.parse('Wed, 21 Oct 2026 07:28:00 GMT'))).toBe(ms);
  });
});

const schema = buildSchema([
  ['load1', []],
  ['disk_read_bytes_total', ['nvme0n1']],
]);

/** Readings of one node, a second apart. */
class Readings {
  readonly session: DecodedSession = {
    ...{ session: 1, node: 'n', instance: 'i', intervalMs: 1000, backlog: false, schema: 'hash' },
    ...{ published: schema.published, size: schema.size },
  };
  readonly #encoder = new FrameEncoder();
  readonly #decoder = new FrameDecoder(schema.size);

  show(target: Target, second: number): void {
    const series = [
      second % 10 === 9 ? { steps: 0, state: 2 } : { steps: second * 100, state: PRESENT },
      { steps: second * 500, state: PRESENT },
    ];
    const head = { seq: second, generation: 1, timeMs: T0 + second * 1000 };
    this.#decoder.apply(second === 0 ? this.#encoder.key(head, series) : this.#encoder.delta(head, series));
    if (second + 1 > target.watermark) target.sample(this.session, this.#decoder, head.timeMs, 1, second + 1);
  }
}

describe('readings as samples', () => {
  const targetOf = (mode: 'raw' | 'rollup'): RemoteWriteTarget => ({
    ...{ name: 'engine', url, mode, headers: {}, capBytes: 10_000_000 },
    labels: { cluster: 'sherlock', node: 'not this one' },
  });
  const openTarget = (mode: 'raw' | 'rollup', folder: string): Promise<Target> =>
    Target.open(targetOf(mode), { folder, nowMs: () => T0, log: silentLog });

  test('raw: every reading at its own time, absent ones left out', async () => {
    const target = await openTarget('raw', newFolder());
    const readings = new Readings();
    for (let second = 0; second < 30; second++) readings.show(target, second);
    await target.advance(30);
    await eventually(() => {
      expect(receiver.samples).toHaveLength(57);
    });
    expect(receiver.samples[1]).toEqual({
      labels: { __name__: 'whyidle_disk_read_bytes_total', cluster: 'sherlock', device: 'nvme0n1', node: 'n' },
      value: 0,
      timeMs: T0,
    });
    const load = receiver.samples.filter(({ labels }) => labels['__name__'] === 'whyidle_load1');
    expect(load.map(({ timeMs }) => (timeMs - T0) / 1000)).not.toContain(9);
    await target.close();
  });

  test('rollup: a minute is one sample, the mean of a gauge and the whole count of a counter', async () => {
    const target = await openTarget('rollup', newFolder());
    const readings = new Readings();
    for (let second = 0; second < 100; second++) readings.show(target, second);
    await target.advance(100);
    await eventually(() => {
      expect(receiver.samples).toHaveLength(4);
    });
    const of = (name: string) => receiver.samples.filter(({ labels }) => labels['__name__'] === name);
    expect(of('whyidle_disk_read_bytes_total').map(({ value, timeMs }) => [value, (timeMs - T0) / 1000])).toEqual([
      [19 * 500, 19],
      [79 * 500, 79],
    ]);
    const seconds = Array.from({ length: 20 }, (_, at) => at).filter((at) => at % 10 !== 9);
    expect(of('whyidle_load1')[0]?.value).toBeCloseTo(seconds.reduce((sum, at) => sum + at, 0) / seconds.length, 9);
    await target.close();
  });

  test.each(['raw', 'rollup'] as const)(
    '%s: an end in between sends nothing twice and leaves nothing out',
    async (mode) => {
      const folder = newFolder();
      let target = await openTarget(mode, folder);
      let readings = new Readings();
      for (let second = 0; second < 70; second++) readings.show(target, second);
      await target.advance(70);
      await target.close();
      target = await openTarget(mode, folder);
      readings = new Readings();
      for (let second = 0; second < 200; second++) readings.show(target, second);
      await target.advance(200);
      await eventually(() => {
        expect(receiver.samples).toHaveLength(mode === 'raw' ? 200 + 180 : 2 * 3);
      });
      const keys = receiver.samples.map(({ labels, timeMs }) => `${labels['__name__'] ?? ''} ${timeMs}`);
      expect(new Set(keys).size).toBe(keys.length);
      await target.close();
    },
  );
});

describe('the section remote_write', () => {
  const take = (section: unknown) => takeRemoteWrite({ remote_write: section, server: {} }, 'server.yaml');

  test('names receivers; the password comes from a file', () => {
    const file = join(scratch, 'password');
    writeFileSync(file, 'secret\n');
    const { targets, rest } = take([{ url: 'http://vm:8428/api/v1/write', username: 'u', password_file: file }]);
    expect(rest).toEqual({ server: {} });
    expect(targets).toMatchObject([{ name: '0-vm', mode: 'rollup', headers: { Authorization: 'Basic dTpzZWNyZXQ=' } }]);
  });

  test.each([
    [[{ url: 'vm' }], /url.*URL/],
    [[{ url: 'http://vm', mode: 'all' }], /rollup or raw/],
    [[{ url: 'http://vm', password: 'x' }], /password/],
    [[{ url: 'http://vm', username: 'x' }], /password_file/],
    [[{ url: 'http://vm', bearer_token_file: '/does/not/exist' }], /cannot be read/],
    [
      [
        { url: 'http://a', name: 'x' },
        { url: 'http://b', name: 'x' },
      ],
      /one name/,
    ],
    ['http://vm', /remote_write/],
  ])('%j is refused with a sentence', (section, said) => {
    expect(() => take(section)).toThrow(said);
  });
});
