// Binds a server to its address, or says in one sentence why that cannot be.
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** The program cannot do its work for a reason outside of it. */
export class StartError extends Error {
  override readonly name = 'StartError';
  readonly exitCode = 2;
}

export function listen(
  server: Server,
  { host, port }: { readonly host: string; readonly port: number },
): Promise<AddressInfo> {
  return new Promise((resolve, reject) => {
    const fail = (error: NodeJS.ErrnoException): void => {
      reject(new StartError(`${host}:${port} ${reasonOf(error)}`, { cause: error }));
    };
    server.once('error', fail);
    server.listen(port, host, () => {
      server.off('error', fail);
      resolve(server.address() as AddressInfo); // a server that listens on a port has one
    });
  });
}

function reasonOf(error: NodeJS.ErrnoException): string {
  switch (error.code) {
    case 'EADDRINUSE':
      return 'is in use by another program; choose another with --listen';
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return 'is not an address of this machine; choose another with --listen';
    case 'EACCES':
      return 'may not be used by this user; choose a port above 1023 with --listen';
    default:
      return `cannot be used: ${error.message}`;
  }
}
