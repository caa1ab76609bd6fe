// The text archives of node_exporter's fixtures (ttar): Path, Lines, Mode; Directory; Path, SymlinkTo.
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';

export function unpackTtar(text: string, directory: string): void {
  const lines = text.split('\n');
  let path = '';
  for (let at = 0; at < lines.length; at++) {
    const [, key = '', value = ''] = /^(Path|Directory|SymlinkTo|Lines): (.*)$/.exec(lines[at] ?? '') ?? [];
    if (key === 'Directory') mkdirSync(below(directory, value), { recursive: true });
    else if (key === 'Path') path = value;
    else if (key === 'SymlinkTo')
      write(below(directory, path), (file) => {
        symlinkSync(value, file);
      });
    else if (key === 'Lines') {
      const content = lines.slice(at + 1, at + 1 + Number(value));
      at += Number(value);
      write(below(directory, path), (file) => {
        writeFileSync(file, contentOf(content));
      });
    }
  }
}

function below(directory: string, path: string): string {
  const target = normalize(join(directory, path));
  if (!target.startsWith(directory)) throw new Error(`archive leads out of its directory: ${path}`);
  return target;
}

function write(file: string, make: (file: string) => void): void {
  mkdirSync(dirname(file), { recursive: true });
  make(file);
}

/** EOF stands for a missing newline at the end and NULLBYTE for a zero; a backslash before them takes that meaning away. */
function contentOf(lines: readonly string[]): string {
  const text = lines.map((line) => `${line}\n`).join('');
  const open = /(?<!\\)EOF\n$/.test(text) ? text.slice(0, -'EOF\n'.length) : text;
  return open.replace(/(?<!\\)NULLBYTE/g, '\0').replace(/\\(EOF|NULLBYTE)/g, '$1');
}
