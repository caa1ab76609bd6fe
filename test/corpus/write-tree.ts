// Files and links written below a directory from their paths.
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';

/** Text by path. A path is of the tree, with or without a slash before it. */
export function writeTree(directory: string, files: Readonly<Record<string, string>>): void {
  for (const [path, text] of Object.entries(files)) {
    const target = join(directory, path);
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, text);
  }
}

/** Relative links as sysfs has them: both sides are paths of the tree. */
export function writeLinks(directory: string, links: Readonly<Record<string, string>>): void {
  for (const [path, to] of Object.entries(links)) {
    const link = join(directory, path);
    mkdirSync(dirname(link), { recursive: true });
    rmSync(link, { force: true });
    symlinkSync(relative(dirname(link), join(directory, to)), link);
  }
}

/** Our own recordings: `path<TAB>text`, newlines of the text written as ~; what could not be read is left out. */
export function parseRecording(text: string): Readonly<Record<string, string>> {
  return Object.fromEntries(
    text.split('\n').flatMap((line) => {
      const [path = '', content] = line.split('\t');
      // A controller may stand before the path of its PCI device.
      const file = path.split(' ').at(-1) ?? '';
      if (content === undefined || !file.startsWith('/') || content.startsWith('cat: ')) return [];
      return [[file, content.replaceAll('~', '\n')]];
    }),
  );
}
