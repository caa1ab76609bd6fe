// XML as small trees: the named elements that were closed before the text ended or broke. XML 1.0, read strictly by saxes.
import { SaxesParser } from 'saxes';

export interface XmlElement {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  /** Its own text, blanks and line ends drawn together; empty between children. */
  readonly text: string;
  readonly children: readonly XmlElement[];
}

interface OpenElement {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly children: XmlElement[];
  text: string;
}

export interface ElementNames {
  readonly wanted: ReadonlySet<string>;
  /** Not looked into. */
  readonly skipped?: ReadonlySet<string>;
}

/** The wanted elements in their order. What comes after the first mistake in the text is not believed. */
export function closedElements(text: string, { wanted, skipped = new Set() }: ElementNames): readonly XmlElement[] {
  const found: XmlElement[] = [];
  const open: OpenElement[] = [];
  let skippedDepth = 0;
  let isBroken = false;
  const parser = new SaxesParser();
  parser.on('error', () => {
    isBroken = true;
  });
  parser.on('opentag', ({ name, attributes }) => {
    if (isBroken) return;
    if (skippedDepth > 0 || skipped.has(name)) skippedDepth++;
    else open.push({ name, attributes, children: [], text: '' });
  });
  parser.on('text', (part) => {
    const last = open.at(-1);
    if (last && skippedDepth === 0) last.text += part;
  });
  parser.on('closetag', () => {
    if (isBroken) return;
    if (skippedDepth > 0) {
      skippedDepth--;
      return;
    }
    const closed = closeLast(open);
    if (closed && wanted.has(closed.name)) found.push(closed);
  });
  parser.write(withoutStrayCharacters(text));
  return found;
}

/** The first child at each step; undefined where there is none. */
export function elementAt(from: XmlElement, path: readonly string[]): XmlElement | undefined {
  let element: XmlElement | undefined = from;
  for (const step of path) element = element?.children.find(({ name }) => name === step);
  return element;
}

/** Texts of all elements without children. */
export function* leafTexts(element: XmlElement): Generator<string> {
  if (element.children.length === 0) yield element.text;
  for (const child of element.children) yield* leafTexts(child);
}

function closeLast(open: OpenElement[]): XmlElement | undefined {
  const last = open.pop();
  if (!last) return undefined;
  const closed = { ...last, text: last.text.replace(/\s+/g, ' ').trim() };
  open.at(-1)?.children.push(closed);
  return closed;
}

/** Names of processes may bring a bare ampersand or control characters, which are no XML. */
function withoutStrayCharacters(text: string): string {
  return text
    .replace(/&(?!(?:amp|lt|gt|quot|apos|#\d+|#x[\da-f]+);)/gi, '&amp;')
    .replace(/[^\t\n\r\u0020-\uFFFD]/g, '\uFFFD');
}
