// A fabric in words.
import { describe, expect, test } from 'vitest';
import { linkRows } from '../../../../web/parts/fabric/links.ts';
import {
  congestionText,
  coverageText,
  describeLink,
  errorsText,
  headlineOf,
  sortFindings,
} from '../../../../web/parts/fabric/words.ts';
import { changed, devices, end, finding, link, links, view } from './small-fabric.ts';

const rows = linkRows({ devices, links });
const port = (guid: string, number: number, node: string | null = null) => ({ guid, port: number, node, name: guid });

describe('the sentence on top', () => {
  test('all is well', () => {
    expect(headlineOf({ findings: [] }, rows)).toBe('4 of 4 host links active, no findings');
  });

  test('a link that is down is not active; uplinks do not count', () => {
    const down = linkRows({ devices, links: changed(2, 1, { state_id: 1 }) });
    expect(headlineOf({ findings: [finding({})] }, down)).toBe('3 of 4 host links active, 1 finding');
    const uplink = linkRows({ devices, links: changed(6, 1, { state_id: 1 }) });
    expect(headlineOf({ findings: [] }, uplink)).toBe('4 of 4 host links active, no findings');
  });

  test('a host port that has no link any more is still one of them', () => {
    const gone = finding({ kind: 'port_down', ports: [port('n4-hca', 1, 'n4'), port('leaf2', 2)] });
    expect(headlineOf({ findings: [gone] }, rows.toSpliced(3, 1))).toBe('3 of 4 host links active, 1 finding');
    // Of a link that is still in the sweep it is not counted twice.
    const down = linkRows({ devices, links: changed(3, 0, { state_id: 1 }) });
    expect(headlineOf({ findings: [gone] }, down)).toBe('3 of 4 host links active, 1 finding');
  });

  test('a missing rail counts once, however it is told', () => {
    const rail = finding({ id: 'rail', kind: 'missing_rail', ports: [port('n4-hca', 0, 'n4')] });
    const gone = finding({ kind: 'port_down', ports: [port('n4-hca', 1, 'n4')] });
    expect(headlineOf({ findings: [rail] }, rows.toSpliced(3, 1))).toBe('3 of 4 host links active, 1 finding');
    expect(headlineOf({ findings: [rail, gone] }, rows.toSpliced(3, 1))).toBe('3 of 4 host links active, 2 findings');
  });

  test('a lost uplink is no host link', () => {
    const lost = finding({ kind: 'port_down', ports: [port('leaf1', 35), port('spine1', 9)] });
    expect(headlineOf({ findings: [lost] }, rows)).toBe('4 of 4 host links active, 1 finding');
  });
});

test('the most severe finding comes first, of equals the newest', () => {
  const sorted = sortFindings([
    finding({ id: 'info', severity: 'info', since_ms: 9 }),
    finding({ id: 'old', severity: 'critical', since_ms: 1 }),
    finding({ id: 'warning', severity: 'warning', since_ms: 5 }),
    finding({ id: 'new', severity: 'critical', since_ms: 2 }),
  ]);
  expect(sorted.map(({ id }) => id)).toEqual(['new', 'old', 'warning', 'info']);
});

test('what is not known of a fabric is told', () => {
  const coverage = { ...view().coverage, silent: 2, adapters_with_agent: 3, ports_with_counters: 10 };
  expect(coverageText(view({ coverage, topology_changes: 1 }))).toBe(
    '2 devices silent · agents on 3 of 4 adapters · counters of 10 of 16 ports · topology changed once since the server started',
  );
});

test.each([
  [0.64, null, '64 %'],
  [0.02, 0.08, '2–8 %'],
  [0, null, '0 %'],
  [null, null, null],
])('waiting of %s and at most %s is %s', (congestion_ratio, congestion_ratio_upper, text) => {
  expect(congestionText({ congestion_ratio, congestion_ratio_upper })).toBe(text);
});

describe('a link', () => {
  const ends = [
    end('leaf1', 33, { transmitted_bytes_per_second: 11.5e9, utilization_ratio: 0.92, congestion_ratio: 0.64 }),
    end('spine1', 1, {
      transmitted_bytes_per_second: null,
      utilization_ratio: null,
      congestion_ratio: null,
      errors_grown: { SymbolErrorCounter: 41 },
    }),
  ] as const;
  const [row] = linkRows({ devices, links: [link('uplink', ends)] });

  test('in one line', () => {
    expect(row && describeLink(row)).toBe(
      'leaf1/33 to spine1/1 · 4X EDR, 100 Gb/s · leaf1/33 sends 11.5 GB/s (92 %), waits 64 % · ' +
        'spine1/1 sends: not read · errors in the last hour: spine1/1: SymbolErrorCounter +41',
    );
  });

  test('that is down says so', () => {
    const [down] = linkRows({ devices, links: changed(0, 0, { state_id: 1 }) });
    expect(down && describeLink(down)).toContain('n1 mlx5_0 to leaf1/1 · down · ');
  });

  test('without errors has none to tell', () => {
    expect(rows[0] && errorsText(rows[0])).toBe('');
  });
});
