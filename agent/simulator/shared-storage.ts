// What a node's clients of shared storage count: Lustre for data sets and checkpoints, NFS for homes and software.
import { Counter } from './counter.ts';
import type { Random } from './random.ts';

export interface SharedLoad {
  readonly readBytesPerS: number;
  readonly writeBytesPerS: number;
  /** Of the homes. */
  readonly homeReadBytesPerS: number;
  readonly homeWriteBytesPerS: number;
}

const LUSTRE_READ_BYTES = 1_048_576;
const NFS_READ_BYTES = 262_144;
const FILE_BYTES = 24e6;

export class LustreCounters {
  readonly readBytes: Counter;
  readonly writtenBytes: Counter;
  readonly reads: Counter;
  readonly writes: Counter;
  readonly opens: Counter;
  readonly lookups: Counter;

  constructor(random: Random) {
    const [read, written] = [random.between(1e14, 4e14), random.between(1e13, 4e13)];
    this.readBytes = new Counter(Math.floor(read));
    this.writtenBytes = new Counter(Math.floor(written));
    this.reads = new Counter(Math.floor(read / LUSTRE_READ_BYTES));
    this.writes = new Counter(Math.floor(written / LUSTRE_READ_BYTES));
    this.opens = new Counter(Math.floor(read / FILE_BYTES));
    this.lookups = new Counter(Math.floor(read / FILE_BYTES) * 3);
  }

  add({ readBytesPerS, writeBytesPerS }: SharedLoad, seconds: number): void {
    this.readBytes.add(readBytesPerS * seconds);
    this.writtenBytes.add(writeBytesPerS * seconds);
    this.reads.add((readBytesPerS / LUSTRE_READ_BYTES) * seconds);
    this.writes.add((writeBytesPerS / LUSTRE_READ_BYTES) * seconds);
    this.opens.add((readBytesPerS / FILE_BYTES) * seconds);
    this.lookups.add((readBytesPerS / FILE_BYTES) * 3 * seconds);
  }
}

export class NfsCounters {
  readonly readBytes: Counter;
  readonly writtenBytes: Counter;
  readonly operations: Readonly<Record<'READ' | 'WRITE' | 'GETATTR' | 'OPEN', Counter>>;

  constructor(random: Random) {
    const [read, written] = [random.between(1e11, 9e11), random.between(1e10, 9e10)];
    this.readBytes = new Counter(Math.floor(read));
    this.writtenBytes = new Counter(Math.floor(written));
    this.operations = {
      READ: new Counter(Math.floor(read / NFS_READ_BYTES)),
      WRITE: new Counter(Math.floor(written / NFS_READ_BYTES)),
      GETATTR: new Counter(random.integer(1e7, 9e7)),
      OPEN: new Counter(random.integer(1e6, 9e6)),
    };
  }

  add({ homeReadBytesPerS, homeWriteBytesPerS }: SharedLoad, seconds: number): void {
    this.readBytes.add(homeReadBytesPerS * seconds);
    this.writtenBytes.add(homeWriteBytesPerS * seconds);
    this.operations.READ.add((homeReadBytesPerS / NFS_READ_BYTES) * seconds);
    this.operations.WRITE.add((homeWriteBytesPerS / NFS_READ_BYTES) * seconds);
    this.operations.GETATTR.add((14 + homeReadBytesPerS / 40_000) * seconds);
    this.operations.OPEN.add((1.5 + homeReadBytesPerS / 400_000) * seconds);
  }
}
