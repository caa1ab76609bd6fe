// `npm run test:vm`: boots a real kernel with emulated NVMe, runs guest.ts in it beside the built agent, and prints what
// was counted against what was moved. Not part of `npm test`: it needs root, QEMU and a minute or two.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { serveSlots } from './slots.ts';

const project = fileURLToPath(new URL('../..', import.meta.url));
const rig = process.env['VM_RIG'] ?? join(tmpdir(), 'whyidle-vm');
const rigScript = join(import.meta.dirname, 'rig.sh');
const packages = {
  'qemu-system-x86_64': 'qemu-system-x86',
  busybox: 'busybox-static',
  cpio: 'cpio',
  modprobe: 'kmod',
  rdma: 'iproute2',
  mdadm: 'mdadm',
  dmsetup: 'dmsetup',
  'mkfs.ext4': 'e2fsprogs',
};

const missing = missingPackages();
if (missing.length > 0) fail(`install first: ${missing.join(' ')}`);
if (process.getuid?.() !== 0) fail('the machine inside reads this one as root: run as root');
if (!existsSync(join(rig, 'version'))) build();
process.exitCode = await boot();

function missingPackages(): readonly string[] {
  const has = (program: string): boolean =>
    ['/usr/sbin', '/sbin', ...(process.env['PATH'] ?? '').split(':')].some((folder) =>
      existsSync(join(folder, program)),
    );
  return Object.entries(packages).flatMap(([program, name]) => (has(program) ? [] : [name]));
}

function build(): void {
  console.log(`making the machine in ${rig}`);
  const { status } = spawnSync('bash', [rigScript, 'build', rig], { stdio: 'inherit' });
  if (status !== 0) fail('the machine cannot be made');
}

async function boot(): Promise<number> {
  const out = mkdtempSync(join(tmpdir(), 'whyidle-vm-out-'));
  // A copy: whoever builds again meanwhile would change the files below the running agent.
  cpSync(join(project, 'dist/agent'), join(out, 'agent'), { recursive: true, dereference: true });
  const started = performance.now();
  const command = `exec '${process.execPath}' '${join(import.meta.dirname, 'guest.ts')}'`;
  const machine = spawn('bash', [rigScript, 'boot', rig, out, command], { stdio: 'inherit' });
  const ended = once(machine, 'exit');
  const slots = serveSlots(out);
  await ended;
  slots.stop();
  const code = machine.exitCode ?? 1;
  if (existsSync(join(out, 'log.txt'))) process.stdout.write(readFileSync(join(out, 'log.txt')));
  console.log(`${Math.round((performance.now() - started) / 1000)} s, exit code ${code}`);
  if (code === 0) rmSync(out, { recursive: true });
  else console.log(`the logs are in ${out}`);
  return code;
}

function fail(message: string): never {
  console.error(message);
  process.exit(1);
}
