// Natural order of names: node2 before node10, GPU 9 before GPU 10.

const collator = new Intl.Collator('en', { numeric: true });

export function naturally(a: string, b: string): number {
  return collator.compare(a, b) || (a < b ? -1 : a > b ? 1 : 0);
}
