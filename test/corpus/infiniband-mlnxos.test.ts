// Recorded answers of switches with MLNX-OS: what else SOURCES.md says of them than test/server/switches asserts.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { entriesIn, jsonIn, pairsIn } from '../../server/switches/cli-text.ts';
import { readFans, readPorts, readSupplies, readTemperatures } from '../../server/switches/reading.ts';
import { corpusDirectory, hasCorpus } from './loader.ts';

const present = hasCorpus('corpus/infiniband-mlnxos');
const read = (file: string): string => readFileSync(join(corpusDirectory, 'infiniband', file), 'utf8');

describe.skipIf(!present)('MLNX-OS', () => {
  it('show-interfaces-ib-1-2-1.txt: both halves of a split port run at their full width', () => {
    const answers = read('mlnxos/show-interfaces-ib-1-2-1.txt').split(/^IB/m).slice(1);
    expect(answers.map((answer) => answer.split(' ')[0])).toEqual(['1/2/1', '1/2/2']);
    for (const answer of answers) {
      const pairs = pairsIn(answer);
      expect(
        ['Physical port state', 'Speed', 'Supported widths', 'Width', 'MTU'].map((name) => pairs.get(name)),
      ).toEqual(['LinkUp', 'hdr', '1X, 2X', '2X', '4096']);
    }
  });

  it('show-interfaces-ethernet.json: two ports down, and enabled', () => {
    const entries = entriesIn(jsonIn(read('mlnxos/show-interfaces-ethernet.json')));
    expect(
      entries.map(({ path, fields }) => [
        path.at(-1),
        ...['Operational state', 'Admin state', 'Actual speed'].map((name) => fields.get(name)),
      ]),
    ).toEqual([
      ['Eth1/1', 'Down', 'Enabled', '100 Gbps'],
      ['Eth1/2', 'Down', 'Enabled', '100 Gbps'],
    ]);
  });

  it('show-interfaces-ethernet-status.json: a VLAN stands beside the port', () => {
    const entries = entriesIn(jsonIn(read('mlnxos/show-interfaces-ethernet-status.json')));
    expect(entries.map(({ path }) => path.at(-1))).toEqual(['Eth1/1', 'Vlan 1002']);
  });

  it('show-interfaces-ethernet-rates.json: rates are texts, and no sensor', () => {
    const text = read('mlnxos/show-interfaces-ethernet-rates.json');
    const [entry, ...others] = entriesIn(jsonIn(text));
    expect(others).toEqual([]);
    expect([entry?.path.at(-1), entry?.fields.get('ingress rate'), entry?.fields.get('egress rate')]).toEqual([
      'Eth1/1',
      '9000 b/s',
      '10000 b/s',
    ]);
    expect([readPorts(text), readTemperatures(text), readFans(text), readSupplies(text)]).toEqual([[], [], [], []]);
  });

  it('show-version.json: memory', () => {
    const [entry] = entriesIn(jsonIn(read('mlnxos/show-version.json')));
    expect(entry?.fields.get('System memory')).toBe('2597 MB used / 5213 MB free / 7810 MB total');
  });
});
