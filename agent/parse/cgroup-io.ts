// Bytes read and written by a cgroup and device: io.stat of cgroup v2, blkio.throttle.io_service_bytes of v1.
// Documentation/admin-guide/cgroup-v2.rst, cgroup-v1/blkio-controller.rst.
import { ParseError } from './parse-error.ts';

export interface CgroupIo {
  /** major:minor of the disk. */
  readonly device: string;
  readonly readBytes: number;
  readonly writtenBytes: number;
}

/** `259:0 rbytes=… wbytes=… rios=…`. An empty file is a cgroup that never touched a disk. */
export function parseIoStat(bytes: Buffer, source: string): readonly CgroupIo[] {
  return linesOf(bytes).flatMap((line) => {
    const [device = '', ...fields] = line.trim().split(' ');
    if (!isDevice(device)) throw new ParseError(source, line, 'major:minor and fields');
    if (fields.length === 0) return []; // some kernels write devices without a count
    const amount = (name: string): number => {
      const field = fields.find((one) => one.startsWith(`${name}=`)) ?? '';
      const digits = field.slice(name.length + 1);
      if (!/^\d{1,20}$/.test(digits)) throw new ParseError(source, line, `${name}=bytes`);
      return Number(digits);
    };
    return [{ device, readBytes: amount('rbytes'), writtenBytes: amount('wbytes') }];
  });
}

/** `259:0 Read 4096`, … and a line `Total n` of all devices. */
export function parseIoServiceBytes(bytes: Buffer, source: string): readonly CgroupIo[] {
  const found = new Map<string, { readBytes: number; writtenBytes: number }>();
  for (const line of linesOf(bytes)) {
    const [device = '', what = '', digits = ''] = line.trim().split(' ');
    if (device === 'Total') continue;
    if (!isDevice(device) || !/^\d{1,20}$/.test(digits)) throw new ParseError(source, line, 'major:minor what bytes');
    const io = found.get(device) ?? { readBytes: 0, writtenBytes: 0 };
    found.set(device, io);
    if (what === 'Read') io.readBytes = Number(digits);
    else if (what === 'Write') io.writtenBytes = Number(digits);
  }
  return [...found].map(([device, io]) => ({ device, ...io }));
}

function linesOf(bytes: Buffer): readonly string[] {
  return bytes
    .toString('latin1')
    .split('\n')
    .filter((line) => line.trim() !== '');
}

function isDevice(text: string): boolean {
  return /^\d{1,4}:\d{1,7}$/.test(text);
}
