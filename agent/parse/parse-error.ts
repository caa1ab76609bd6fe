// The one error of a parser: where, what stood there, what was expected.
export class ParseError extends Error {
  readonly source: string;
  readonly excerpt: string;
  readonly expected: string;

  constructor(source: string, excerpt: string, expected: string) {
    super(`${source}: expected ${expected}, found ${JSON.stringify(excerpt.slice(0, 80))}`);
    this.name = 'ParseError';
    this.source = source;
    this.excerpt = excerpt.slice(0, 80);
    this.expected = expected;
  }
}
