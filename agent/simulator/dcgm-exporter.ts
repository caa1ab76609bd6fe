// The dcgm-exporters of all simulated nodes in one HTTP server on loopback: `/NODE/metrics`.
import { once } from 'node:events';
import { createServer } from 'node:http';
import { DcgmPage } from './render/dcgm-page.ts';
import type { NodeState } from './workload.ts';

export interface RunningExporters {
  readonly address: string;
  /** Address of a node's page. */
  urlOf(node: string): string;
  close(): Promise<void>;
}

/** `states` gives the newest state of every node. */
export async function serveDcgmExporters(states: () => readonly NodeState[]): Promise<RunningExporters> {
  const pages = new Map(states().map(({ hardware }) => [hardware.name, new DcgmPage(hardware)]));
  const server = createServer((request, response) => {
    const [, node = ''] = /^\/([^/]+)\/metrics$/.exec(request.url ?? '') ?? [];
    const state = states().find(({ hardware }) => hardware.name === node);
    const text = state && pages.get(node)?.render(state);
    response.writeHead(text === undefined ? 404 : 200, { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' });
    response.end(text ?? 'no such node\n');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  const own = `http://127.0.0.1:${port}`;
  return {
    address: own,
    urlOf: (node) => `${own}/${node}/metrics`,
    close: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}
