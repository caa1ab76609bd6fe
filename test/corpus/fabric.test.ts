// Recorded outputs of infiniband-diags against the facts of ../shared/corpus/infiniband/SOURCES.md and ibsim/README.md.
// Every file of these folders is asserted; cut anywhere, with other line ends or without tabs none gives a node that is not there.
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { discoveryParser, type Discovery } from '../../agent/parse/fabric/ibnetdiscover.ts';
import { portListParser, switchListParser } from '../../agent/parse/fabric/ibnetdiscover-ports.ts';
import { linkInfoParser, type LinkLine } from '../../agent/parse/fabric/iblinkinfo.ts';
import { errorParser, type QueriedErrors } from '../../agent/parse/fabric/ibqueryerrors.ts';
import { parseLines, type LineParser } from '../../agent/parse/fabric/line-parser.ts';
import { perfQueryParser } from '../../agent/parse/fabric/perfquery.ts';
import { ParseError } from '../../agent/parse/parse-error.ts';
import { leftOut } from '../left-out.ts';
import { corpus, facts, read } from './fabric-facts.ts';

const present = existsSync(corpus);
if (!present) leftOut('corpus/fabric', 'the corpus is not here', { evenInCi: true });

const folders = ['ibnetdiscover', 'iblinkinfo', 'ibqueryerrors', 'perfquery', 'ibsim/recorded'];

describe.skipIf(!present)('every recorded file', () => {
  it('is asserted', () => {
    const files = folders.flatMap((folder) => readdirSync(join(corpus, folder)).map((name) => `${folder}/${name}`));
    expect(files.toSorted()).toEqual(Object.keys(facts).toSorted());
  });

  it.each(Object.entries(facts))('%s', (file, expectFacts) => {
    expectFacts(file);
  });
});

/** What a listing names: devices and ports, and nothing else may come out of a damaged one. */
interface Listing {
  readonly parser: () => LineParser<unknown>;
  readonly names: (found: never) => readonly string[];
}

const listings: Readonly<Record<string, Listing>> = {
  ibnetdiscover: {
    parser: discoveryParser,
    names: ({ devices, ports }: Discovery) => [
      ...devices.map(({ guid, name, kind }) => `${kind} ${guid} ${name}`),
      ...ports.map(({ guid, port, peer }) => `${guid}/${port} ${peer.guid}/${peer.port}`),
    ],
  },
  ports: {
    parser: portListParser,
    names: (ports: ReturnType<ReturnType<typeof portListParser>['end']>) =>
      ports.map(({ guid, port, peer, name }) => `${guid}/${port} ${name} ${peer?.guid ?? ''}/${peer?.port ?? ''}`),
  },
  switches: {
    parser: switchListParser,
    names: (switches: ReturnType<ReturnType<typeof switchListParser>['end']>) =>
      switches.map(({ guid, name, ports }) => `${guid} ${name} ${ports}`),
  },
  iblinkinfo: {
    parser: linkInfoParser,
    names: (found: readonly LinkLine[]) =>
      found.map(({ guid, port, state, name, peer }) => `${guid}/${port} ${name} ${state} ${peer?.name ?? ''}`),
  },
  ibqueryerrors: {
    parser: errorParser,
    names: ({ ports }: QueriedErrors) => ports.map(({ guid, port, name }) => `${guid}/${port} ${name}`),
  },
  perfquery: {
    parser: perfQueryParser,
    names: (sections: ReturnType<ReturnType<typeof perfQueryParser>['end']>) =>
      sections.map(({ kind, lid, port }) => `${kind} ${lid}/${port}`),
  },
};

function listingOf(file: string): Listing | undefined {
  const kind = /-p\.|ibnetdiscover-p/.test(file)
    ? 'ports'
    : file.includes('ibswitches')
      ? 'switches'
      : Object.keys(listings).find((name) => file.includes(name) && !/stderr|ibstat/.test(file));
  // Large ones have no line that a small one has not.
  return kind === undefined || file.includes('selene') ? undefined : listings[kind];
}

/** Names found in a text; undefined if it was refused with the one error a parser has. */
function namesIn({ parser, names }: Listing, text: string): readonly string[] | undefined {
  try {
    return names(parseLines(parser(), text) as never); // each listing's names take what its own parser gives
  } catch (error) {
    if (error instanceof ParseError) return undefined;
    throw error;
  }
}

const damaged = present ? Object.keys(facts).flatMap((file) => (listingOf(file) ? [file] : [])) : [];

describe.skipIf(!present)('a damaged listing', () => {
  it.each(damaged)('%s', (file) => {
    const listing = listingOf(file);
    if (!listing) throw new Error('no listing');
    const whole = read(file);
    const known = new Set(namesIn(listing, whole));
    const onlyKnown = (text: string): void => {
      expect((namesIn(listing, text) ?? []).filter((name) => !known.has(name))).toEqual([]);
    };
    // At the end of every line (of a long listing: of 200 of them), and at bytes throughout.
    const ends = [...whole.matchAll(/\n/g)].map(({ index }) => index);
    const step = Math.ceil(ends.length / 200);
    for (const end of ends.filter((_, index) => index % step === 0))
      expect(namesIn(listing, whole.slice(0, end))).toBeDefined();
    for (let cut = 0; cut < whole.length; cut += 1 + Math.floor(whole.length / 397)) onlyKnown(whole.slice(0, cut));
    expect(namesIn(listing, whole.replaceAll('\n', '\r\n'))).toEqual([...(namesIn(listing, whole) ?? [])]);
    expect(namesIn(listing, whole.replaceAll('\t', ' '))).toEqual([...(namesIn(listing, whole) ?? [])]);
    onlyKnown(whole.replaceAll('\t', ''));
  });
});
