// What the server counts about its own intake; shown through prom-client's registry.

export const rejectReasons = [
  'no_hello',
  'no_schema',
  'not_binary',
  'too_large',
  'rate',
  'generation',
  'no_key',
  'duplicate',
  'malformed',
] as const;
export type RejectReason = (typeof rejectReasons)[number];

export class IngestCounters {
  frames = 0;
  bytes = 0;
  readonly rejected = new Map<RejectReason, number>(rejectReasons.map((reason) => [reason, 0]));

  reject(reason: RejectReason): void {
    this.rejected.set(reason, (this.rejected.get(reason) ?? 0) + 1);
  }
}
