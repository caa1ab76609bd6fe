// Which Host and Origin a request may carry, so that a hostile page in somebody's browser can neither read nor drive
// this server (cross-site requests, DNS rebinding). RFC 9110 section 7.2, RFC 6454 section 7.
import { isLoopback } from './bind.ts';

export interface Claims {
  readonly host: string | undefined;
  readonly origin: string | undefined;
}

export interface OriginRule {
  /** Why the request is refused, or undefined. */
  refuse(claims: Claims): string | undefined;
}

export interface OriginSettings {
  readonly listenHost: string;
  /** Asked at each request: with port 0 the port is known only later. */
  readonly port: () => number;
  /** It speaks HTTPS. */
  readonly isSecure?: boolean;
  /** Further names, `NAME` for any port or `NAME:PORT`. */
  readonly hosts: readonly string[];
}

export function createOriginRule({ listenHost, port, hosts, isSecure = false }: OriginSettings): OriginRule {
  const loopback = isLoopback(listenHost);
  const own = [
    ...new Set(['localhost', '127.0.0.1', '[::1]', listenHost.includes(':') ? `[${listenHost}]` : listenHost]),
  ];
  const isKnown = (host: string): boolean =>
    own.some((name) => host === `${name}:${port()}`) ||
    hosts.some((name) => host === name || host.replace(/:\d+$/, '') === name);
  return {
    refuse: ({ host, origin }) => {
      if (host === undefined) return 'the request names no host';
      const asked = withPort(host.toLowerCase(), isSecure ? 443 : 80);
      // A server that others reach has names nobody told it: then only foreign origins are refused.
      const open = !loopback && hosts.length === 0;
      if (!open && !isKnown(asked)) return `this server is not ${host}`;
      if (origin === undefined) return undefined;
      // A page that came in the clear may be anybody's.
      const claimed = isSecure && !origin.startsWith('https:') ? undefined : hostOf(origin);
      const fine = claimed !== undefined && (claimed === asked || (!open && isKnown(claimed)));
      return fine ? undefined : `the origin ${origin} may not use this server`;
    },
  };
}

/** Host and port of a web origin; undefined for anything else, `null` included. */
function hostOf(origin: string): string | undefined {
  if (!/^https?:\/\//.test(origin) || !URL.canParse(origin)) return undefined;
  const { host, protocol } = new URL(origin);
  return withPort(host, protocol === 'https:' ? 443 : 80);
}

function withPort(host: string, port: number): string {
  return /:\d+$/.test(host) ? host : `${host}:${port}`;
}
