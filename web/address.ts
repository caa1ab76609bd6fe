// Addresses of the pages and of their parameters. Pure.

export type Page =
  | { readonly kind: 'fleet' }
  | { readonly kind: 'nodes' }
  | { readonly kind: 'node'; readonly node: string }
  | { readonly kind: 'fabric' }
  | { readonly kind: 'alerts' }
  | { readonly kind: 'incidents' }
  | { readonly kind: 'incident'; readonly incident: string }
  | { readonly kind: 'jobs' }
  | { readonly kind: 'unknown'; readonly path: string };

export function pageOf(path: string): Page {
  const [first = '', second, third] = path.split('/').slice(1);
  if (first === '' && second === undefined) return { kind: 'fleet' };
  if (first === 'nodes' && second === undefined) return { kind: 'nodes' };
  if (first === 'fabric' && second === undefined) return { kind: 'fabric' };
  if (first === 'alerts' && second === undefined) return { kind: 'alerts' };
  if (first === 'incidents' && second === undefined) return { kind: 'incidents' };
  if (first === 'jobs' && second === undefined) return { kind: 'jobs' };
  if (first === 'incident' && second !== undefined && /^[\w-]+$/.test(second) && third === undefined) {
    return { kind: 'incident', incident: second };
  }
  if (first === 'node' && second !== undefined && second !== '' && third === undefined) {
    try {
      return { kind: 'node', node: decodeURIComponent(second) };
    } catch {
      return { kind: 'unknown', path };
    }
  }
  return { kind: 'unknown', path };
}

/** One parameter of an address; empty where it has none. */
export function parameterOf(search: string, name: string): string {
  return new URLSearchParams(search).get(name) ?? '';
}

/** An address of this app: the parameters that travel between pages stay. */
export function addressOf(
  path: string,
  search: string,
  changes: Readonly<Record<string, string | undefined>> = {},
): string {
  const parameters = new URLSearchParams(search);
  for (const [name, value] of Object.entries(changes)) {
    if (value === undefined || value === '') parameters.delete(name);
    else parameters.set(name, value);
  }
  const text = parameters.toString();
  return text === '' ? path : `${path}?${text}`;
}
