// Our recordings of a kernel 6.1 in QEMU, put together as roots: recordings name files, the links between them are added here.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { corpusDirectory, layOutInto, type LaidOut } from './loader.ts';
import { parseRecording, writeLinks, writeTree } from './write-tree.ts';

const directory = join(corpusDirectory, 'nvme/qemu-6.1');

export function readRecording(file: string): string {
  return readFileSync(join(directory, file), 'utf8');
}

/** Counts of a moment of multipath-count.txt and its like, as `stat` lines by disk. */
export function statsAt(file: string, moment: string): Readonly<Record<string, string>> {
  const rows = readRecording(file)
    .split('\n')
    .filter((line) => line.startsWith(`${moment} `));
  return Object.fromEntries(
    rows.map((row) => {
      const words = row.split(' ');
      const value = (name: string): string => words[words.indexOf(name) + 1] ?? '0';
      const has = (name: string): string => (words.includes(name) ? value(name) : '0');
      const read = `${has('reads')} 0 ${has('sectors_rd')} 0`;
      const written = `${has('writes')} 0 ${has('sectors_wr')} 0`;
      const rest = `${has('inflight')} ${has('io_ticks')} ${has('tq')} 0 0 0 0 0 0`;
      return [words[1] ?? '', `${read} ${written} ${rest}\n`];
    }),
  );
}

/** Two single-port controllers (nvme2, nvme3), and nvme0 and nvme1 that both lead to nvme1n1. */
export function layOutQemu(stats: Readonly<Record<string, string>>): LaidOut {
  return layOutInto((root) => {
    const devices = {
      ...parseRecording(readRecording('sys-class-nvme.tsv')),
      ...parseRecording(readRecording('pcie.tsv')),
    };
    writeTree(root, devices);
    writeTree(root, parseRecording(readRecording('hwmon.tsv')));
    writeTree(root, parseRecording(readRecording('sys-nvme-subsystem.tsv')));
    const disks = new Map(
      [...Object.keys(devices), ...Object.keys(parseRecording(readRecording('sys-nvme-subsystem.tsv')))].flatMap(
        (path) => {
          const match = /^(.*\/(nvme\d+(?:c\d+)?n\d+))\/size$|^(.*\/(nvme\d+(?:c\d+)?n\d+))\/stat$/.exec(path);
          const found = match?.[1] ?? match?.[3];
          return found === undefined ? [] : [[found.split('/').at(-1) ?? '', found] as const];
        },
      ),
    );
    writeTree(
      root,
      Object.fromEntries([...disks].map(([name, path]) => [`${path}/stat`, stats[name] ?? `${'0 '.repeat(17)}\n`])),
    );
    writeTree(root, flagsOf(disks));
    writeLinks(root, linksOf(disks));
  });
}

/** What sys-block.tsv says of the disks beside their counts. */
function flagsOf(disks: ReadonlyMap<string, string>): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(parseRecording(readRecording('sys-block.tsv'))).flatMap(([path, text]) => {
      const [, name = '', file = ''] = /^\/sys\/block\/([^/]+)\/(.+)$/.exec(path) ?? [];
      const disk = disks.get(name);
      return disk === undefined || file === 'stat' ? [] : [[`${disk}/${file}`, text]];
    }),
  );
}

function linksOf(disks: ReadonlyMap<string, string>): Readonly<Record<string, string>> {
  const links: Record<string, string> = {};
  const controllers = new Set<string>();
  for (const [name, path] of disks) {
    links[`/sys/block/${name}`] = path;
    const above = path.split('/').slice(0, -1).join('/');
    links[`${path}/device`] = above;
    if (/\/nvme\d+$/.test(above)) controllers.add(above);
  }
  for (const controller of controllers) {
    links[`/sys/class/nvme/${controller.split('/').at(-1) ?? ''}`] = controller;
    links[`${controller}/device`] = controller.split('/').slice(0, -2).join('/');
  }
  return links;
}
