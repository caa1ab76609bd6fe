// What infiniband-diags say on standard error of nodes that did not answer. Their other lines there are no failures.

export interface SilentPath {
  /** Out of which port it goes at each node, beginning at the node that asks. */
  readonly path: readonly number[];
}

export interface FailedQuery {
  readonly lid: number | null;
  /** As printed; a node whose description was not read has none. */
  readonly name: string;
}

export interface Silence {
  /** No answer to discovery. */
  readonly paths: readonly SilentPath[];
  /** Known, but no answer about counters. */
  readonly queries: readonly FailedQuery[];
}

const unanswered = /\(DR path slid \d+; dlid \d+; ([\d,]+) Attr 0x([\da-f]+):\d+\) bad status 110/i;
const query = /query failed on (.*), (?:Lid (\d+)|DR path [\d\s;,a-z]*) port \d+$/i;
/** Without NodeInfo (0x11) a node is not discovered. */
const NODE_INFO = 0x11;

export function parseSilence(stderr: string): Silence {
  const paths = new Map<string, SilentPath>();
  const queries = new Map<string, FailedQuery>();
  for (const line of stderr.split('\n')) {
    const [, path, attribute = ''] = unanswered.exec(line) ?? [];
    // The first number stands for the asking node itself.
    if (path !== undefined && Number.parseInt(attribute, 16) === NODE_INFO)
      paths.set(path, { path: path.split(',').slice(1).map(Number) });
    const [, name, lid] = query.exec(line.trimEnd()) ?? [];
    if (name !== undefined)
      queries.set(`${lid ?? ''} ${name}`, { lid: lid === undefined ? null : Number(lid), name: name.trim() });
  }
  return { paths: [...paths.values()], queries: [...queries.values()] };
}
