// A subnet of one switch and two hosts as infiniband-diags list it, written by hand; each part can be changed.
export const switchGuid = '0002c90000000010';
export const hostGuids = ['0002c90000000020', '0002c90000000030'] as const;

export interface Line {
  readonly state?: string;
  readonly peer?: string;
}

export const discovery = `#
# Topology file: generated on Mon Jan  5 10:00:00 2026
#
# Initiated from node 0002c90000000020 port 0002c90000000021

vendid=0x2c9
devid=0xd2f0
sysimgguid=0x2c90000000010
switchguid=0x2c90000000010(2c90000000010)
Switch\t41 "S-0002c90000000010"\t\t# "MF0;core:MQM8700/U1" enhanced port 0 lid 7 lmc 0
[1]\t"H-0002c90000000020"[1](2c90000000021) \t\t# "one mlx5_0" lid 1 4xHDR
[2]\t"H-0002c90000000030"[1](2c90000000031) \t\t# "two mlx5_0" lid 2 4xHDR

vendid=0x2c9
devid=0x101b
sysimgguid=0x2c90000000020
caguid=0x2c90000000020
Ca\t1 "H-0002c90000000020"\t\t# "one mlx5_0"
[1](2c90000000021) \t"S-0002c90000000010"[1]\t\t# lid 1 lmc 0 "MF0;core:MQM8700/U1" lid 7 4xHDR

vendid=0x2c9
devid=0x101b
sysimgguid=0x2c90000000030
caguid=0x2c90000000030
Ca\t1 "H-0002c90000000030"\t\t# "two mlx5_0"
[1](2c90000000031) \t"S-0002c90000000010"[2]\t\t# lid 2 lmc 0 "MF0;core:MQM8700/U1" lid 7 4xHDR
`;

const up = '==( 4X        53.125 Gbps Active/  LinkUp)==>';
const nobody = '             [  ] "" ( )';
const core = `0x0002c90000000010 "          MF0;core:MQM8700/U1"      7`;
const toCore = (port: number): string => `0x0002c90000000010      7    ${port}[  ] "MF0;core:MQM8700/U1" ( )`;

export const links = [
  `0x0002c90000000021 "                  one mlx5_0"      1    1[  ] ${up}  ${toCore(1)}`,
  `0x0002c90000000031 "                  two mlx5_0"      2    1[  ] ${up}  ${toCore(2)}`,
  `${core}    1[  ] ${up}  0x0002c90000000021      1    1[  ] "one mlx5_0" ( )`,
  `${core}    2[  ] ${up}  0x0002c90000000031      2    1[  ] "two mlx5_0" ( )`,
  `${core}    3[  ] ==(                Down/ Polling)==>${nobody}`,
  '',
].join('\n');

export const linksWithoutTwo = [
  links.split('\n')[0] ?? '',
  `${core}    1[  ] ${up}  0x0002c90000000021      1    1[  ] "one mlx5_0" ( )`,
  `${core}    2[  ] ==(                Down/ Polling)==>${nobody}`,
  `${core}    3[  ] ==(                Down/ Polling)==>${nobody}`,
  '',
].join('\n');

/** `--counters`: as many words as the port's number times ten on every port. */
export const data = [
  'Data Counters for 0x2c90000000010 "MF0;core:MQM8700/U1"',
  ...[0, 1, 2, 3].map((port) => `   GUID 0x2c90000000010 port ${port}: ${dataOf(port * 10)}`),
  'Data Counters for 0x2c90000000020 "one mlx5_0"',
  `   GUID 0x2c90000000020 port 1: ${dataOf(10)}`,
  'Data Counters for 0x2c90000000030 "two mlx5_0"',
  `   GUID 0x2c90000000030 port 1: ${dataOf(20)}`,
  ...summary(0),
].join('\n');

function dataOf(words: number): string {
  return `[PortXmitData == ${words} (${words}.000B)] [PortRcvData == ${words} (${words}.000B)] [PortXmitPkts == 1 (1.000)] [PortRcvPkts == 1 (1.000)]`;
}

function summary(failures: number): readonly string[] {
  return [
    '',
    '## Summary: 3 nodes checked, 0 bad nodes found',
    '##          6 ports checked, 0 ports have errors beyond threshold',
    '## Thresholds: ',
    ...(failures === 0 ? [] : [`##          ${failures} PMA query failures`]),
    '## Suppressed:',
    '',
  ];
}

/** Without flags: error counters of the switch's ports, and of the hosts' by their port GUID. */
export function errors(lines: Readonly<Record<string, string>> = {}): string {
  const ports = Object.entries(lines).map(([place, list]) => `   GUID 0x${place.replace('/', ' port ')}: ${list}`);
  return ['Errors for 0x2c90000000010 "MF0;core:MQM8700/U1"', ...ports, ...summary(0)].join('\n');
}
