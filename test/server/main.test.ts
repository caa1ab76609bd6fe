// A whole server: its address, its end, and an address that is taken.
import { expect, test } from 'vitest';
import { connect, connected, next, runServer } from './running.ts';

test('a taken address is one sentence and exit code 2', async () => {
  const first = await runServer();
  const taken = { 'server.listen': { host: '127.0.0.1', port: first.port } };
  await expect(runServer(taken)).rejects.toMatchObject({
    message: `127.0.0.1:${first.port} is in use by another program; choose another with --listen`,
    exitCode: 2,
  });
  await first.stop();
});

test('stopping ends connections of agents, browsers and scrapers within 2 s', async () => {
  const server = await runServer();
  expect(await (await fetch(`${server.url}/readyz`)).json()).toEqual({ ready: true, reasons: [] });
  const sockets = await Promise.all([connect(server, '/agents'), connect(server, '/live')].map(connected));
  const gone = sockets.map((socket) => next(socket, 'disconnect'));
  const startedMs = performance.now();
  await server.stop();
  expect(performance.now() - startedMs).toBeLessThan(2000);
  await Promise.all(gone);
  await expect(fetch(`${server.url}/healthz`)).rejects.toThrow();
});

test('pages asked for at once do not mix', async () => {
  const server = await runServer();
  const pages = await Promise.all(
    Array.from({ length: 12 }, async () => (await fetch(`${server.url}/metrics`)).text()),
  );
  const namesOf = (page: string): string => page.replace(/^(whyidle_\S+) .*$/gm, '$1');
  expect(new Set(pages.map(namesOf)).size).toBe(1);
  await server.stop();
});
