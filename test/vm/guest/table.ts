// What was expected and what was read, printed line by line.
export class Table {
  #differences = 0;

  get differences(): number {
    return this.#differences;
  }

  section(title: string): void {
    console.log(`\n${title}`);
  }

  check(what: string, read: string | number | undefined, expected: string | number): void {
    const isSame = read === expected;
    if (!isSame) this.#differences++;
    console.log(`  ${isSame ? 'ok  ' : 'DIFF'} ${what.padEnd(58)} ${show(read).padStart(14)} of ${show(expected)}`);
  }

  /** A figure that may differ from run to run. */
  note(what: string, figure: string): void {
    console.log(`       ${what.padEnd(58)} ${figure.padStart(14)}`);
  }
}

function show(value: string | number | undefined): string {
  if (value === undefined) return 'absent';
  return typeof value === 'number' ? value.toLocaleString('en') : value;
}
