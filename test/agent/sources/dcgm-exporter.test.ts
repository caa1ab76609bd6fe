// A dcgm-exporter over HTTP: delivering, slow, failing, cut off, frozen.
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { silentLog, type Log } from '../../../agent/log.ts';
import { DcgmExporter, dcgmExporterUrl } from '../../../agent/sources/dcgm-exporter.ts';
import { createHttpGet, type HttpAnswer, type HttpGet } from '../../../agent/sources/http-get.ts';
import {
  exporterUuid,
  renderExporterPage,
  serveExporter,
  type ExporterBehaviour,
  type ExporterPage,
} from '../../doubles/dcgm/exporter.ts';
import { settle } from '../../doubles/manual-clock.ts';
import { valuesOf } from '../../doubles/dcgm/values.ts';

const url = new URL('http://localhost:9400/metrics');
let nowMs = 0;
beforeEach(() => {
  nowMs = 0;
});

describe('answers', () => {
  let answer: HttpAnswer | undefined;
  let asked = 0;
  /** What is asked for and not yet answered. */
  let cancelled = 0;
  const get: HttpGet = () => {
    asked++;
    return {
      answer: answer ? Promise.resolve(answer) : new Promise(() => undefined),
      cancel: () => {
        cancelled++;
      },
    };
  };
  const page = (body: string, status = 200): HttpAnswer => ({ kind: 'done', status, body });
  const exporter = (log: Log = silentLog): DcgmExporter =>
    new DcgmExporter({ url, intervalMs: 1000, monotonicMs: () => nowMs, log, get });

  beforeEach(() => {
    answer = page(renderExporterPage());
    asked = 0;
    cancelled = 0;
  });

  async function ask(source: DcgmExporter, atMs: number) {
    nowMs = atMs;
    source.keepRunning();
    await settle();
    return source.state;
  }

  it('deliver, one question per interval', async () => {
    const source = exporter();
    expect(source.state).toEqual({ kind: 'starting' });
    const state = await ask(source, 0);
    expect(state.kind === 'delivering' && state.report.atMs).toBe(0);
    await ask(source, 999);
    expect(asked).toBe(1);
    await ask(source, 1000);
    expect(asked).toBe(2);
  });

  it('are not asked for twice at a time, and are old after a while', async () => {
    const source = exporter();
    await ask(source, 0);
    answer = undefined;
    await ask(source, 1000);
    expect((await ask(source, 5000)).kind).toBe('delivering');
    expect(await ask(source, 5001)).toMatchObject({ kind: 'failed', reason: 'timed_out' });
    expect(asked).toBe(2);
  });

  it.each<[string, HttpAnswer, string, RegExp]>([
    ['500', page('no', 500), 'malformed', /answers 500/],
    ['403', page('no', 403), 'forbidden', /403/],
    ['404', page('no', 404), 'not_present', /404/],
    ['a web page', page('<html>\n</html>\n'), 'malformed', /metrics page/],
    ['nothing', page(''), 'not_present', /no GPU/],
    ['no connection', { kind: 'failed', code: 'ECONNREFUSED', message: 'refused' }, 'not_present', /refused/],
    ['half a body', { kind: 'failed', code: 'ECONNRESET', message: 'aborted' }, 'malformed', /aborted/],
    ['too late', { kind: 'timed_out' }, 'timed_out', /within 2 s/],
    ['too much', { kind: 'too_long' }, 'malformed', /longer/],
  ])('%s', async (_, given, reason, message) => {
    answer = given;
    const source = exporter();
    const state = await ask(source, 0);
    expect(state).toMatchObject({ kind: 'failed', reason });
    expect(state.kind === 'failed' && state.message).toMatch(message);
  });

  it('that fail are asked for ever less often, and at once as before when they are good again', async () => {
    const source = exporter();
    answer = page('', 500);
    const askedAt: number[] = [];
    for (let atMs = 0; atMs <= 130_000; atMs += 1000) {
      const before = asked;
      await ask(source, atMs);
      if (asked > before) askedAt.push(atMs / 1000);
    }
    expect(askedAt).toEqual([0, 1, 3, 7, 15, 31, 63, 123]);
    answer = page(renderExporterPage());
    await ask(source, 183_000);
    const before = asked;
    expect((await ask(source, 184_000)).kind).toBe('delivering');
    expect(asked).toBe(before + 1);
  });

  it('that fail once leave what was read', async () => {
    const source = exporter();
    await ask(source, 0);
    answer = page('', 500);
    expect((await ask(source, 1000)).kind).toBe('delivering');
    expect(await ask(source, 5001)).toMatchObject({ kind: 'failed', reason: 'malformed' });
  });

  it('that never change while GPUs are busy are none', async () => {
    const source = exporter();
    for (let atMs = 0; atMs <= 90_000; atMs += 1000) await ask(source, atMs);
    expect(source.state.kind).toBe('delivering');
    expect(source.ageMs).toBe(90_000);
    const state = await ask(source, 91_000);
    expect(state).toMatchObject({ kind: 'failed', reason: 'timed_out', message: /^dcgm-exporter shows the same/ });
    answer = page(renderExporterPage({ energyMillijoules: 128996014n }));
    expect((await ask(source, 92_000)).kind).toBe('delivering');
    expect(source.ageMs).toBe(0);
  });

  it('that never change while all GPUs are idle are believed', async () => {
    answer = page(renderExporterPage({ busy: 0 }));
    const source = exporter();
    for (let atMs = 0; atMs <= 200_000; atMs += 1000) await ask(source, atMs);
    expect(source.state.kind).toBe('delivering');
  });

  it('are told once per change of state, without the password of the address', async () => {
    const told: string[] = [];
    const log: Log = {
      info: (message, details) => told.push(`${message} ${JSON.stringify(details)}`),
      warn: (message, details) => told.push(`${message} ${JSON.stringify(details)}`),
    };
    const source = new DcgmExporter({
      ...{ intervalMs: 1000, monotonicMs: () => nowMs, log, get },
      url: new URL('http://u:secret@localhost:9400/metrics'),
    });
    answer = page('', 500);
    await ask(source, 0);
    await ask(source, 1000);
    answer = page(renderExporterPage());
    await ask(source, 10_000);
    expect(told).toHaveLength(2);
    expect(told.join()).not.toContain('secret');
  });

  it('pause forgets, stop ends', async () => {
    const source = exporter();
    await ask(source, 0);
    source.pause();
    expect(source.state).toEqual({ kind: 'starting' });
    expect((await ask(source, 1000)).kind).toBe('delivering');
    answer = undefined;
    await ask(source, 2000);
    source.stop();
    expect(cancelled).toBe(1);
    await ask(source, 9000);
    expect(asked).toBe(3);
  });
});

describe('over HTTP', () => {
  const playing: { behaviour: ExporterBehaviour; page: ExporterPage } = { behaviour: 'ok', page: {} };
  let served: Awaited<ReturnType<typeof serveExporter>>;
  beforeEach(async () => {
    served = await serveExporter(playing);
  });
  afterEach(() => {
    served.close();
  });

  async function first(
    behaviour: ExporterBehaviour,
    page: ExporterPage = {},
    timeoutMs = 15_000,
  ): Promise<DcgmExporter> {
    playing.behaviour = behaviour;
    playing.page = page;
    const get = createHttpGet();
    const source = new DcgmExporter({
      url: served.url,
      ...{ intervalMs: 1000, monotonicMs: () => nowMs, log: silentLog },
      get: (request) => get({ ...request, timeoutMs: behaviour === 'slow' ? 50 : request.timeoutMs }),
    });
    source.keepRunning();
    await source.settle(timeoutMs);
    return source;
  }

  it('gives sheets, and again over the same connection', async () => {
    const source = await first('ok', { names: 'new', hpcJob: '7' });
    const { state } = source;
    const sheets = state.kind === 'delivering' ? state.report.sheets : [];
    expect(sheets.map(({ identity }) => identity.uuid)).toEqual([exporterUuid(0), exporterUuid(1)]);
    expect(valuesOf(sheets[0])).toMatchObject({ gpu_utilization_ratio: 0.97, gpu_power_watts: 350.25 });
    source.stop();
  });

  it.each<[ExporterBehaviour, string]>([
    ['slow', 'timed_out'],
    ['error', 'malformed'],
    ['half-body', 'malformed'],
    ['forbidden', 'forbidden'],
    ['garbage', 'malformed'],
    ['endless', 'malformed'],
  ])('%s: %s', async (behaviour, reason) => {
    const source = await first(behaviour);
    expect(source.state).toMatchObject({ kind: 'failed', reason });
    source.stop();
  });

  it('nobody listens', async () => {
    served.close();
    const source = await first('ok');
    expect(source.state).toMatchObject({ kind: 'failed', reason: 'not_present' });
  });
});

it.each([
  ['http://n1:9400', 'http://n1:9400/metrics'],
  ['http://n1:9400/', 'http://n1:9400/metrics'],
  ['https://n1/dcgm/metrics?x=1', 'https://n1/dcgm/metrics?x=1'],
  ['ftp://n1:9400', undefined],
  ['n1:9400', undefined],
  ['file:///metrics', undefined],
  ['', undefined],
])('the address %s names the page %s', (text, href) => {
  expect(dcgmExporterUrl(text)?.href).toBe(href);
});
