// Records of /dev/kmsg and of the journal, and what the driver says in them.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  KernelEventReader,
  parseJournalRecord,
  parseKmsgRecord,
  type KernelEvent,
} from '../../../../agent/parse/gpu/kernel-log.ts';

const read = (...texts: readonly string[]): readonly (KernelEvent | undefined)[] => {
  const reader = new KernelEventReader();
  return texts.map((text) => reader.read({ text, timeMs: 7 }));
};
const xidIn = (text: string): readonly unknown[] | undefined => {
  const [one] = read(text);
  return one?.kind === 'xid' ? [one.event.xid, one.event.pciBusId, one.event.pid] : undefined;
};

describe('kmsg', () => {
  it('has a sequence number, microseconds since boot, and text with escapes', () => {
    expect(parseKmsgRecord(String.raw`3,1707,5140900123,-,caller=T12;a; b\x0ac\x5c`)).toEqual({
      sequence: 1707,
      sinceBootMs: 5140900.123,
      text: 'a; b\nc\\',
    });
  });

  it.each([' SUBSYSTEM=pci', '', ';', '1,2;x', 'a,b,c,-;x', 'NVRM: Xid (PCI:0000:03:00): 79'])(
    '%j is no record',
    (line) => {
      expect(parseKmsgRecord(line)).toBeUndefined();
    },
  );
});

describe('journal', () => {
  const line = (fields: object): string => JSON.stringify({ __REALTIME_TIMESTAMP: '1790000000123456', ...fields });

  it('has a message, a time and a cursor', () => {
    expect(parseJournalRecord(line({ MESSAGE: 'NVRM: x', SYSLOG_IDENTIFIER: 'kernel', __CURSOR: 's=1;i=2' }))).toEqual({
      cursor: 's=1;i=2',
      timeMs: 1790000000123.456,
      text: 'NVRM: x',
    });
  });

  it('may write a message as bytes, or several of them', () => {
    expect(parseJournalRecord(line({ MESSAGE: [78, 86, 7, 195, 188] }))?.text).toBe('NV\u0007ü');
    expect(parseJournalRecord(line({ MESSAGE: ['one', 'two'] }))?.text).toBe('one');
  });

  it('gives back what it took for the name of a program', () => {
    expect(parseJournalRecord(line({ MESSAGE: 'Xid (1)', SYSLOG_IDENTIFIER: 'NVRM' }))?.text).toBe('NVRM: Xid (1)');
  });

  it.each([
    '',
    '{',
    'null',
    '[]',
    '"text"',
    '{"MESSAGE":"x"}',
    line({}),
    line({ MESSAGE: null }),
    line({ MESSAGE: [[1]] }),
  ])('%j is no record', (text) => {
    expect(parseJournalRecord(text)).toBeUndefined();
  });
});

describe('Xid', () => {
  it.each([
    ['NVRM: Xid (0000:03:00): 14, Channel 00000001', [14, '00000000:03:00.0', undefined]],
    ['NVRM: Xid (PCI:0000:3B:00): 43, pid=77, name=python, Ch 0000001b', [43, '00000000:3b:00.0', 77]],
    ["NVRM: Xid (PCI:00010000:3b:00.0): 48, pid='<unknown>', name=<unknown>", [48, '00010000:3b:00.0', undefined]],
    ['NVRM: Xid (PCI:0000:07:00 GPU-I:05): 31, pid=9, name=a', [31, '00000000:07:00.0', 9]],
    ['NVRM: Xid (PCI:0000:07:00): 62', [62, '00000000:07:00.0', undefined]],
    ['NVRM: Xid (PCI:0000:07:00): 13, Graphics Exception on pid=5', [13, '00000000:07:00.0', undefined]],
  ])('%s', (text, expected) => {
    expect(xidIn(text)).toEqual(expected);
  });

  it.each([
    'NVRM: GPU at PCI:0000:9b:00: GPU-509665ad-b600-ac93-3616-d754b23d636d',
    'systemd[1]: NVRM: Xid (PCI:0000:03:00): 79, forged',
    'evil\nNVRM: Xid (PCI:0000:03:00): 79, behind a newline',
    'NVRM: Xid (PCI:0000:03): 79',
    'NVRM: Xid (PCI:0000:03:00): seventy-nine',
    'NVRM: Xid (PCI:0000:03:00): 99999999999, x',
    'nvidia-nvswitch0: SXid (PCI:0000:05:00.0): 20034, Severity 1 Engine instance 62',
    'nvidia-nvswitch0: SXid (PCI:0000:05:00.0): 20034, Data {0x00000000, 0x1}',
    'nvidia-nvswitch0: open (major=506)',
  ])('%j is none', (text) => {
    expect(read(text)).toEqual([undefined]);
  });
});

describe('SXid', () => {
  it('says of which switch and whether it is fatal', () => {
    expect(
      read(
        'nvidia-nvswitch3: SXid (PCI:0000:0a:00.0): 19084, Non-fatal, Link 30 AN1 Heartbeat Timeout Error (First)',
        'nvidia-nvswitch12: SXid (PCI:0000:0a:00.0): 12028, Fatal, Link 1',
      ),
    ).toEqual([
      { kind: 'sxid', event: { nvswitch: '3', sxid: 19084, fatal: false, timeMs: 7 } },
      { kind: 'sxid', event: { nvswitch: '12', sxid: 12028, fatal: true, timeMs: 7 } },
    ]);
  });
});

describe('a GPU off the bus', () => {
  const lines = [
    'NVRM: The NVIDIA GPU 0000:18:00.0',
    '               NVRM: (PCI ID: 10de:26b5) installed in this system has',
    '               NVRM: fallen off the bus and is not responding to commands.',
  ];
  const fallen = {
    kind: 'xid',
    event: {
      pciBusId: '00000000:18:00.0',
      uuid: '',
      xid: 79,
      timeMs: 7,
      pid: undefined,
      source: 'kernel_log',
      implied: true,
    },
  };

  it('over three records, others between them', () => {
    expect(read(lines[0] ?? '', 'usb 1-1: reset', lines[1] ?? '', lines[2] ?? '', lines[2] ?? '')).toEqual([
      undefined,
      undefined,
      undefined,
      fallen,
      undefined,
    ]);
  });

  it('in one record of three lines', () => {
    expect(read(lines.join('\n'))).toEqual([fallen]);
  });

  it.each(['NVRM: GPU at 0000:18:00.0 has fallen off the bus.', 'NVRM: GPU 0000:18:00.0: GPU has fallen off the bus.'])(
    '%s',
    (text) => {
      expect(read(text)).toEqual([fallen]);
    },
  );

  it('is not known by the last line alone, nor by a first line of long ago', () => {
    expect(read(lines[2] ?? '')).toEqual([undefined]);
    const others = Array.from({ length: 30 }, (_, index) => `usb 1-${index}: reset`);
    expect(read(lines[0] ?? '', ...others, lines[2] ?? '').at(-1)).toBeUndefined();
  });
});

describe('hostile text', () => {
  const pieces = [
    'NVRM: ',
    'Xid ',
    '(PCI:',
    '0000:03:00',
    '): ',
    '79',
    ', pid=',
    ' ',
    'nvidia-nvswitch',
    'SXid (',
    '\n',
    '\\x0a',
    ';',
    ',-;',
  ];
  const text = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.array(fc.constantFrom(...pieces)).map((some) => some.join('')),
  );

  it('does not throw', () => {
    fc.assert(
      fc.property(fc.array(text), (texts) => {
        read(...texts);
        for (const one of texts) parseKmsgRecord(one);
        for (const one of texts) parseJournalRecord(`{"MESSAGE":${one},"__REALTIME_TIMESTAMP":"1"}`);
      }),
    );
  });

  it('of great length is no event', () => {
    const long = ' '.repeat(200_000);
    expect(
      read(`NVRM:${long}`, `${long}NVRM: Xid (PCI:0000:03:00): 79`, `NVRM: Xid (PCI:0000:03:00 ${long}): 79`),
    ).toEqual([undefined, undefined, undefined]);
    expect(
      parseJournalRecord(`{"MESSAGE":${'['.repeat(50_000)}${']'.repeat(50_000)},"__REALTIME_TIMESTAMP":"1"}`),
    ).toBeUndefined();
  });
});
