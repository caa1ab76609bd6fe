// The kernel of the machine: modules, drives by their serial number, programs.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, realpathSync } from 'node:fs';

export function run(program: string, args: readonly string[], input = ''): string {
  const { status, stdout, stderr, error } = spawnSync(program, args, { input, encoding: 'utf8' });
  if (error ?? status !== 0) throw new Error(`${program} ${args.join(' ')}: ${error?.message ?? stderr}`);
  return stdout;
}

/** The kernel cannot start modprobe itself here: every module is named. */
export function loadModules(...names: readonly string[]): void {
  run('modprobe', ['-a', ...names]);
}

/** Disks, without the hidden paths of multipath disks, by the serial number of the drive. */
export function disksBySerial(): ReadonlyMap<string, string> {
  return new Map(
    readdirSync('/sys/block')
      .filter((name) => /^nvme\d+n\d+$/.test(name))
      .flatMap((name) => {
        const serial = word(`/sys/block/${name}/device/serial`);
        return serial === undefined ? [] : [[serial, name] as const];
      }),
  );
}

export function diskOf(serial: string): string {
  const name = disksBySerial().get(serial);
  if (name === undefined) throw new Error(`no disk with serial number ${serial}`);
  return name;
}

/** Bytes that the kernel says were read and written, of a disk or of one path to it. */
export function bytesIn(disk: string): { readonly read: number; readonly written: number } {
  const fields = (word(`/sys/block/${disk}/stat`) ?? '').split(/\s+/).map(Number);
  return { read: (fields[2] ?? 0) * 512, written: (fields[6] ?? 0) * 512 };
}

export function word(path: string): string | undefined {
  return existsSync(path) ? readFileSync(path, 'utf8').trim() : undefined;
}

/** Directory of the PCI function of the controller that a disk, or a path to one, is behind. */
export function pciDeviceOf(disk: string): string {
  const directory = realpathSync(`/sys/block/${disk}`);
  return directory.slice(0, directory.indexOf('/nvme/'));
}
