// The agent's own page by request and response, and that a port in use is a sentence.
import { contentTypes } from '#agent/contract';
import { describe, expect, test } from 'vitest';
import { answerRequest, chooseFormat, serveMetrics, type Pages } from '../../agent/listen.ts';

const pages: Pages = {
  loopbackOnly: true,
  metrics: (format) => `page in ${format}\n`,
  compat: (name) => (name === 'node_exporter' ? 'node_up 1\n' : undefined),
  defaultCompat: [],
};
const ask = (url: string, more: { accept?: string; host?: string; method?: string } = {}, on: Pages = pages) =>
  answerRequest({ method: 'GET', host: '127.0.0.1:9820', url, ...more }, on);

describe('pages', () => {
  test('metrics as text 0.0.4 unless OpenMetrics is preferred', () => {
    expect(ask('/metrics')).toEqual({ status: 200, type: contentTypes.prometheus, body: 'page in prometheus\n' });
    expect(ask('/metrics', { accept: 'application/openmetrics-text' })).toEqual({
      status: 200,
      type: contentTypes.openmetrics,
      body: 'page in openmetrics\n',
    });
  });

  test('compat adds the other exporter and is text 0.0.4', () => {
    const answer = ask('/metrics?compat=node_exporter', { accept: 'application/openmetrics-text' });
    expect(answer).toMatchObject({ type: contentTypes.prometheus, body: 'page in prometheus\nnode_up 1\n' });
    expect(ask('/metrics', {}, { ...pages, defaultCompat: ['node_exporter'] }).body).toMatch(/node_up/);
    expect(ask('/metrics?compat=', {}).body).toBe('page in prometheus\n');
  });

  test('compat of the setting and of the request is there once', () => {
    const answer = ask('/metrics?compat=node_exporter', {}, { ...pages, defaultCompat: ['node_exporter'] });
    expect(answer.body.match(/node_up/g)).toHaveLength(1);
  });

  test('an exporter that is not known is a sentence', () => {
    const { status, body } = ask('/metrics?compat=telegraf');
    expect(status).toBe(400);
    expect(body).toContain('telegraf');
  });

  test.each([
    ['/healthz', 'GET', 200],
    ['/healthz', 'HEAD', 200],
    ['/', 'GET', 404],
    ['//', 'GET', 404],
    ['http://[', 'GET', 404],
    ['/metrics', 'POST', 405],
  ])('%s %s gives %s', (url, method, status) => {
    expect(ask(url, { method }).status).toBe(status);
  });
});

describe('who is answered on loopback', () => {
  test.each(['localhost', 'localhost:1', '127.0.0.1', '127.8.8.8:80', '[::1]:9820'])('%s', (host) => {
    expect(ask('/metrics', { host }).status).toBe(200);
  });
  test.each(['evil.example', 'evil.example:9820', '127.0.0.1.evil.example', '10.0.0.1', '', 'localhost@evil'])(
    'not %s',
    (host) => {
      expect(ask('/metrics', { host }).status).toBe(403);
    },
  );
  test('any name where it listens for others', () => {
    expect(ask('/metrics', { host: 'node07:9820' }, { ...pages, loopbackOnly: false }).status).toBe(200);
  });
});

test.each([
  [undefined, 'prometheus'],
  ['*/*', 'prometheus'],
  ['application/openmetrics-text;version=1.0.0;q=0.8,text/plain;version=0.0.4;q=0.5,*/*;q=0.1', 'openmetrics'],
  ['application/openmetrics-text;q=0.2, text/plain;q=0.9', 'prometheus'],
  ['application/openmetrics-text;q=much', 'prometheus'],
  ['text/html', 'prometheus'],
] as const)('Accept %s is %s', (accept, format) => {
  expect(chooseFormat(accept)).toBe(format);
});

describe('a real port', () => {
  test('serves, and a second program on it is told in a sentence', async () => {
    const running = await serveMetrics({ host: '127.0.0.1', port: 0 }, pages);
    const { port } = running.address;
    const answer = await fetch(`http://127.0.0.1:${port}/metrics`);
    expect([answer.status, await answer.text()]).toEqual([200, 'page in prometheus\n']);
    await expect(serveMetrics({ host: '127.0.0.1', port }, pages)).rejects.toThrow(
      `cannot listen on 127.0.0.1:${port}: the port is in use by another program`,
    );
    await running.close();
  });

  test('an address of another machine is a sentence', async () => {
    await expect(serveMetrics({ host: '192.0.2.1', port: 0 }, pages)).rejects.toThrow(/does not have that address/);
  });
});
