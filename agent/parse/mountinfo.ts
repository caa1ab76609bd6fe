// /proc/self/mountinfo, one mount a line. proc(5), Documentation/filesystems/proc.rst 3.5.
import { ParseError } from './parse-error.ts';

export interface Mount {
  /** major:minor of the file system, as stat(2) gives it. */
  readonly deviceNumber: string;
  /** The directory of the file system that is mounted: / unless it is a bind mount or a subvolume. */
  readonly root: string;
  readonly mountpoint: string;
  readonly fstype: string;
  readonly source: string;
  readonly readonly: boolean;
}

export function parseMountInfo(text: string, source: string): readonly Mount[] {
  return text.split(/\r?\n/).flatMap((line) => (line === '' ? [] : [parseLine(line, source)]));
}

/** `36 35 98:0 /root /mnt rw,noatime master:1 - ext3 /dev/root rw`: a dash ends the optional fields. */
function parseLine(line: string, source: string): Mount {
  const fields = line.split(' ');
  const dash = fields.indexOf('-', 6);
  const [, , deviceNumber = '', root = '', mountpoint = '', options = ''] = fields;
  const [fstype = '', device = '', superOptions = ''] = fields.slice(dash + 1);
  if (dash === -1 || fstype === '' || !/^\d+:\d+$/.test(deviceNumber) || !mountpoint.startsWith('/')) {
    throw new ParseError(source, line, 'the fields of a mount');
  }
  return {
    deviceNumber,
    root: unescapeOctal(root),
    mountpoint: unescapeOctal(mountpoint),
    fstype: unescapeOctal(fstype),
    source: unescapeOctal(device),
    readonly: isReadonly(options) || isReadonly(superOptions),
  };
}

function isReadonly(options: string): boolean {
  return options.split(',').includes('ro');
}

/** Blank, tab, newline and backslash are written as three octal digits of a byte; names are UTF-8. */
export function unescapeOctal(text: string): string {
  if (!text.includes('\\')) return text;
  const bytes = Buffer.from(text).toString('latin1');
  const plain = bytes.replace(/\\([0-3][0-7]{2})/g, (_, octal: string) =>
    String.fromCharCode(Number.parseInt(octal, 8)),
  );
  return Buffer.from(plain, 'latin1').toString('utf8');
}
