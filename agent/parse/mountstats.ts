// /proc/self/mountstats: what NFS counts per mount. net/sunrpc/stats.c, fs/nfs/super.c (nfs_show_stats).
import { absent, type Absence, type Steps } from '#agent/contract';
import { unescapeOctal } from './mountinfo.ts';
import { ParseError } from './parse-error.ts';
import { stepsOf } from './steps.ts';

export const nfsOperations = ['READ', 'WRITE', 'GETATTR', 'OPEN'] as const;
export type NfsOperation = (typeof nfsOperations)[number];

export interface NfsOperationCounts {
  readonly operations: Steps | Absence;
  readonly retransmissions: Steps | Absence;
  readonly timeouts: Steps | Absence;
  /** Milliseconds, added up over the operations. */
  readonly queueMs: Steps | Absence;
  readonly responseMs: Steps | Absence;
  readonly requestMs: Steps | Absence;
}

export interface NfsMount {
  readonly export: string;
  readonly mountpoint: string;
  /** Version, protocol and server address: with the export it tells one connection to the server from another. */
  readonly connection: string;
  readonly readBytes: Steps | Absence;
  readonly writtenBytes: Steps | Absence;
  readonly operations: ReadonlyMap<NfsOperation, NfsOperationCounts>;
}

const malformed = absent('malformed');
const unsupported = absent('unsupported');
/** A count beyond this is one that fell below zero and went round. */
const WRAPPED = 2n ** 63n;

/** The mounts of NFS, in the order of the file. A line without its end was cut and counts for nothing. */
export function parseMountStats(text: string, source: string): readonly NfsMount[] {
  const lines = text.split('\n').slice(0, -1);
  const starts = lines.flatMap((line, at) => (/^(?:no )?device (?:.+ )?mounted on /.test(line) ? [at] : []));
  if (starts.length === 0) throw new ParseError(source, text, 'lines "device … mounted on … with fstype …"');
  return starts.flatMap((start, index) => parseMount(lines.slice(start, starts[index + 1])) ?? []);
}

function parseMount([head = '', ...lines]: readonly string[]): NfsMount | undefined {
  const match = /^device (.+) mounted on (\S+) with fstype (nfs4?) statvers=\S+\s*$/.exec(head);
  if (!match) return undefined;
  const [, device = '', mountpoint = '', fstype = ''] = match;
  const bytes = numbersOf(lines, 'bytes');
  const options = fieldOf(lines, 'opts') ?? '';
  return {
    export: unescapeOctal(device),
    mountpoint: unescapeOctal(mountpoint),
    connection: [fstype, ...['vers', 'proto', 'mountaddr', 'addr'].map((name) => optionOf(options, name))].join(' '),
    readBytes: bytes === undefined ? unsupported : plausible(bytes[4]),
    writtenBytes: bytes === undefined ? unsupported : plausible(bytes[5]),
    operations: operationsOf(lines),
  };
}

function operationsOf(lines: readonly string[]): ReadonlyMap<NfsOperation, NfsOperationCounts> {
  const found = nfsOperations.flatMap((operation) => {
    const numbers = numbersOf(lines, operation);
    return numbers === undefined ? [] : [[operation, countsOf(numbers)] as const];
  });
  return new Map(found);
}

/** ops, transmissions, timeouts, bytes sent, bytes received, queue, RTT, execute and, since Linux 5.3, errors. */
function countsOf(numbers: readonly (Steps | undefined)[]): NfsOperationCounts {
  const [operations, transmissions, timeouts, , , queue, response, request] = numbers;
  return {
    operations: plausible(operations),
    retransmissions: difference(transmissions, operations),
    timeouts: plausible(timeouts),
    queueMs: plausible(queue),
    responseMs: plausible(response),
    requestMs: plausible(request),
  };
}

/** Operations that ended before they were sent are counted and their transmission is not: then nobody knows. */
function difference(a: Steps | undefined, b: Steps | undefined): Steps | Absence {
  if (a === undefined || b === undefined || a < b) return malformed;
  const value = BigInt(a) - BigInt(b);
  return plausible(value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : value);
}

function plausible(value: Steps | undefined): Steps | Absence {
  return value === undefined || value >= WRAPPED ? malformed : value;
}

function numbersOf(lines: readonly string[], name: string): readonly (Steps | undefined)[] | undefined {
  return fieldOf(lines, name)
    ?.split(/\s+/)
    .map((word) => stepsOf(word));
}

/** Indented by a tab or blanks, as the kernel's version has it. */
function fieldOf(lines: readonly string[], name: string): string | undefined {
  const pattern = new RegExp(`^\\s*${name}:\\s*`);
  const line = lines.find((one) => pattern.test(one));
  return line?.replace(pattern, '').trim();
}

function optionOf(options: string, name: string): string {
  return new RegExp(`(?:^|,)${name}=([^,]*)`).exec(options)?.[1] ?? '';
}
