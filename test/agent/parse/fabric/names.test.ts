// Node descriptions are what anybody typed: whatever stands in one, the listing around it is read, or refused as a whole.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { discoveryParser } from '../../../../agent/parse/fabric/ibnetdiscover.ts';
import { portListParser } from '../../../../agent/parse/fabric/ibnetdiscover-ports.ts';
import { linkInfoParser } from '../../../../agent/parse/fabric/iblinkinfo.ts';
import { errorParser } from '../../../../agent/parse/fabric/ibqueryerrors.ts';
import { parseLines } from '../../../../agent/parse/fabric/line-parser.ts';
import { parseLinkRate } from '../../../../agent/parse/fabric/link-rate.ts';
import { perfQueryParser, tickBytesOf } from '../../../../agent/parse/fabric/perfquery.ts';
import { parseSilence } from '../../../../agent/parse/fabric/silent.ts';
import { ParseError } from '../../../../agent/parse/parse-error.ts';

const awkward = [
  'plain',
  '  padded  ',
  'with "quotes"',
  'a # b',
  'x [1] y',
  'one, two',
  "it's",
  'a" lid 5 4xEDR',
  '( b ) ==> [  ]',
  'S-0002c90000000010',
  '',
];
const names = fc.oneof(
  fc.constantFrom(...awkward),
  // Printable ASCII, at most the 64 characters that a description has.
  fc.string({ unit: 'grapheme-ascii', maxLength: 64 }),
);

const listing = (name: string): string =>
  `vendid=0x2c9\ndevid=0xd2f0\nSwitch\t41 "S-0002c90000000010"\t\t# "${name}" enhanced port 0 lid 7 lmc 0\n` +
  `[1]\t"H-0002c90000000020"[1](2c90000000021) \t\t# "${name}" lid 1 4xHDR\n\n` +
  `Ca\t1 "H-0002c90000000020"\t\t# "${name}"\n` +
  `[1](2c90000000021) \t"S-0002c90000000010"[1]\t\t# lid 1 lmc 0 "${name}" lid 7 4xHDR\n`;

describe('any name', () => {
  test('in ibnetdiscover', () => {
    fc.assert(
      fc.property(names, (name) => {
        const { devices, ports } = parseLines(discoveryParser(), listing(name));
        expect(devices.map((device) => [device.guid, device.name])).toEqual([
          ['0002c90000000010', name.trim()],
          ['0002c90000000020', name.trim()],
        ]);
        expect(
          ports.map(({ guid, port, peer, peerName, widthLanes }) => [guid, port, peer, peerName, widthLanes]),
        ).toEqual([
          ['0002c90000000010', 1, { guid: '0002c90000000020', port: 1 }, name.trim(), 4],
          ['0002c90000000020', 1, { guid: '0002c90000000010', port: 1 }, name.trim(), 4],
        ]);
      }),
    );
  });

  test('in iblinkinfo -l', () => {
    const arrow = '==( 4X      25.78125 Gbps Active/  LinkUp)==>';
    fc.assert(
      fc.property(names, (name) => {
        const line = `0x0002c90000000021 "${name.padStart(30)}"      1    1[  ] ${arrow}  0x0002c90000000010      7    1[  ] "${name}" ( )`;
        // The arrow that a name holds itself cannot be told from the real one.
        fc.pre(!name.includes('==('));
        const [link] = parseLines(linkInfoParser(), line);
        expect([link?.guid, link?.name, link?.state, link?.peer?.guid, link?.peer?.name]).toEqual([
          ...['0002c90000000021', name.trim(), 4, '0002c90000000010', name.trim()],
        ]);
      }),
    );
  });

  test('in ibqueryerrors', () => {
    fc.assert(
      fc.property(names, (name) => {
        const text = `Errors for 0x2c90000000010 "${name}"\n   GUID 0x2c90000000010 port 3: [SymbolErrorCounter == 1]\n`;
        expect(parseLines(errorParser(), text).ports).toMatchObject([{ name: name.trim(), port: 3 }]);
      }),
    );
  });

  test('in ibnetdiscover -p, but for one that holds the line between both', () => {
    fc.assert(
      fc.property(names, names, (near, far) => {
        fc.pre(!/'\s+-\s+'/.test(`${near} ${far}`) && !near.endsWith("'") && !far.startsWith("'"));
        const text = `CA   134  1 0x7cfe9003003b4bde 4x EDR - SW  1719 10 0x7cfe9003009ce5b0 ( '${near}' - '${far}' )`;
        const [port] = parseLines(portListParser(), text);
        expect([port?.name, port?.peer?.name]).toEqual([near.trim(), far.trim()]);
      }),
    );
  });
});

test('a line that begins like one of the listing and is none is an error that says where', () => {
  const cut: readonly (readonly [() => unknown, RegExp])[] = [
    [() => parseLines(discoveryParser(), 'Switch\t41 "S-0002c9'), /^ibnetdiscover: expected/],
    [() => parseLines(discoveryParser(), '[1]\t"S-0002c90000000010"[1]\t\t# "x" lid 1 4xHDR'), /below a device/],
    [() => parseLines(discoveryParser(), 'devid=0x'), /NAME=0xNUMBER/],
    [() => parseLines(linkInfoParser(), '0x0002c90000000021 "x" 1 1[  ] ==( 4X'), /^iblinkinfo/],
    [() => parseLines(errorParser(), '   GUID 0x2c9 port 1: [SymbolErrorCounter == '), /^ibqueryerrors/],
    [() => parseLines(perfQueryParser(), '# Port counters: Lid 3 port 1\nPortXmitData:...x'), /^perfquery/],
    [() => parseLines(portListParser(), 'SW  2052 37 0x506b4b03005c2740 4x'), /^ibnetdiscover -p/],
  ];
  for (const [parse, message] of cut) {
    expect(parse).toThrow(ParseError);
    expect(parse).toThrow(message);
  }
});

test('the other end that does not answer', () => {
  const [link] = parseLines(
    linkInfoParser(),
    '0x506b4b0300a11100 "MF0;leaf2"     18    1[  ] ==( 4X      25.78125 Gbps Active/  LinkUp)==>      "Port not available"',
  );
  expect(link).toMatchObject({ state: 4, physicalState: 5, widthLanes: 4, peer: null });
});

test('an end that was found and then did not answer', () => {
  const line =
    '0x506b4b0300c10541 "     "      0    1[  ] ==(undefined (0)     Extended speed NoChange/NoChange)==>  0x506b4b0300a11100     18    1[  ] "MF0;leaf2" (Could be 1X Could be 2.5 Gbps)';
  expect(parseLines(linkInfoParser(), line)).toMatchObject([
    { guid: '506b4b0300c10541', name: '', lid: null, state: null, widthLanes: null, laneBytesPerSecond: null },
  ]);
  const port = "CA     0  1 0x506b4b0300c10541 ?? ??? - SW    18  1 0x506b4b0300a11100 ( '' - 'MF0;leaf2:MSB7800/U1' )";
  expect(parseLines(portListParser(), port)).toMatchObject([{ lid: null, name: '', widthLanes: null }]);
});

test('states and speeds without a number of ours are not known', () => {
  const [link] = parseLines(
    linkInfoParser(),
    'CA: a:\n      0x0002c90000000021      1    1[  ] ==( 4X     777.5 Gbps Odd/ Strange)==>             [  ] "" ( )',
  );
  expect(link).toMatchObject({ state: null, physicalState: null, laneBytesPerSecond: 777.5e9 / 8 });
  expect(parseLinkRate('4x???')).toEqual({ widthLanes: 4, laneBytesPerSecond: null });
  expect(parseLinkRate('2xNDR')).toEqual({ widthLanes: 2, laneBytesPerSecond: 106.25e9 / 8 });
  expect(parseLinkRate('?????')).toEqual({ widthLanes: null, laneBytesPerSecond: null });
  expect(parseLinkRate('4x')).toBeUndefined();
});

test('who did not answer: by path, by LID, by name; each once', () => {
  const stderr = [
    './libibnetdisc/query_smp.c:186; umad (DR path slid 0; dlid 0; 0,1,17,3,1 Attr 0x11:0) bad status 110; Connection timed out',
    './libibnetdisc/query_smp.c:186; umad (DR path slid 0; dlid 0; 0,1,17,3,1 Attr 0x11:0) bad status 110; Connection timed out',
    './libibnetdisc/query_smp.c:186; umad (DR path slid 0; dlid 0; 0,2 Attr 0x15:1) bad status 110; Connection timed out',
    'ibwarn: [7341] mad_rpc: _do_madrpc failed; dport (Lid 5)',
    'ibwarn: [7341] print_errors: IB_GSI_PORT_COUNTERS query failed on , Lid 5 port 1',
    'ibwarn: [7344] query_cap_mask: classportinfo query failed on gpu05 mlx5_0, DR path slid 0; dlid 0; 0 port 1',
  ].join('\n');
  expect(parseSilence(stderr)).toEqual({
    paths: [{ path: [1, 17, 3, 1] }],
    queries: [
      { lid: 5, name: '' },
      { lid: null, name: 'gpu05 mlx5_0' },
    ],
  });
});

describe('a tick of PortXmitWait', () => {
  const tickOf = (tick: string, lanes: number): number | null => {
    const [section] = parseLines(perfQueryParser(), `# PortSamplesControl: Lid 7 port 1\nTick:......${tick}\n`);
    if (!section) throw new Error('no section');
    return tickBytesOf(section, lanes);
  };

  test.each([
    ['0x07', 4, 8],
    ['0x07', 2, 8],
    ['0x1f', 4, 128],
    ['31', 1, 32],
  ])('%s on %d lanes is %d bytes of port time', (tick, lanes, bytes) => {
    expect(tickOf(tick, lanes)).toBe(bytes);
  });

  test('no tick, no length', () => {
    const [section] = parseLines(perfQueryParser(), '# PortSamplesControl: Lid 7 port 1\nOpCode:....0x00\n');
    expect(section && tickBytesOf(section, 4)).toBeNull();
  });
});
