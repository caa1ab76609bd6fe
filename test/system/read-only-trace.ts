// What strace(1) saw of a program, its threads and its children: files they open, make, change or remove, programs they start,
// processes they signal, devices they talk to. A file for each process, so that lines are whole; descriptors with their paths.
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { commandLineOf, descendantsOf, type AgentProgram } from './gpu-agent.ts';
import { until } from './program.ts';

/** Calls by which a file comes into being, changes or goes. Those with ? are not there on every architecture. */
const changing =
  '?creat,?mkdir,mkdirat,?mknod,mknodat,?rmdir,?unlink,unlinkat,?rename,?renameat,?renameat2,?link,linkat,?symlink,symlinkat,truncate,ftruncate,fallocate,?chmod,fchmod,fchmodat,?chown,fchown,?lchown,fchownat,setxattr,lsetxattr,fsetxattr,removexattr,lremovexattr,fremovexattr,?utime,?utimes,?futimesat,utimensat';
/** Calls that change the machine itself. */
const ruling =
  'mount,umount2,pivot_root,swapon,swapoff,reboot,init_module,finit_module,delete_module,kexec_load,?kexec_file_load,sethostname,setdomainname,settimeofday,clock_settime,adjtimex,clock_adjtime,acct,quotactl,?iopl,?ioperm,bpf,ptrace,process_vm_writev';
const watched = `?open,openat,?openat2,execve,execveat,chdir,fchdir,ioctl,kill,?pidfd_send_signal,syslog,${changing},${ruling}`;

const namesIn = (list: string): ReadonlySet<string> => new Set(list.replaceAll('?', '').split(','));
export const changingCalls = namesIn(changing);
export const rulingCalls = namesIn(ruling);

export interface TracedCall {
  readonly name: string;
  readonly args: string;
  /** As strace prints it: `0`, `3</etc/hosts>`, `-1 ENOENT (…)`; empty for a call that did not come back. */
  readonly result: string;
  readonly line: string;
  readonly pid: number;
  /** Name of the program that calls; empty for a thread, or a child that has started nothing yet. */
  readonly program: string;
  /** Where it was last seen to go; undefined where it started. */
  readonly cwd: string | undefined;
}

/** Why there is no trace to be had here; undefined if there is. */
export function whyNoStrace(): string | undefined {
  try {
    execFileSync('strace', ['-qq', '-o', '/dev/null', 'true'], { stdio: 'pipe' });
    return undefined;
  } catch (error) {
    return `strace cannot be used: ${error instanceof Error ? error.message : String(error)}`;
  }
}

/** What to put before a program so that it and all it starts is traced into a folder. */
export function straceTo(folder: string): readonly string[] {
  const filter = ['-e', `trace=${watched}`, '-e', 'signal=none'];
  return ['strace', '-ff', '--seccomp-bpf', '-qq', '-y', '-s', '65536', ...filter, '-o', join(folder, 'of')];
}

/** A tracer is not ended by a signal to it: its program is. */
export async function endTraced(agent: AgentProgram): Promise<void> {
  const pid = descendantsOf(agent.child.pid ?? 0).find((one) => {
    const line = commandLineOf(one);
    return line.startsWith(process.execPath) && line.includes('agent/main.ts');
  });
  if (pid !== undefined) process.kill(pid, 'SIGTERM');
  await until('it has ended', () => (agent.hasEnded ? true : undefined));
}

/** May be called while the program runs: a line that is being written is left out. */
export function readTrace(folder: string): readonly TracedCall[] {
  return readdirSync(folder).flatMap((file) =>
    parseTrace(readFileSync(join(folder, file), 'latin1'), Number(/\d+$/.exec(file)?.[0])),
  );
}

/** The calls of one process. */
export function parseTrace(text: string, pid: number): readonly TracedCall[] {
  const calls: TracedCall[] = [];
  let [program, cwd]: [string, string | undefined] = ['', undefined];
  const lines = text.slice(0, text.lastIndexOf('\n') + 1).split('\n');
  for (const line of lines.filter((one) => one !== '' && !/^(?:---|\+\+\+) /.test(one))) {
    const [, name = '', args = '', result = ''] = /^(\w+)\((.*?)(?:\) += (.*)| <unfinished \.\.\.>)$/.exec(line) ?? [];
    if (name === 'execve' && result.startsWith('0')) program = basename(stringsIn(args)[0] ?? '');
    if (name === 'chdir' && result.startsWith('0')) cwd = resolve(cwd ?? '/', stringsIn(args)[0] ?? '');
    calls.push({ name, args, result, line, pid, program, cwd });
  }
  return calls;
}

export interface Opening {
  readonly path: string;
  readonly isForWriting: boolean;
}

/** The file that a call opens, or tries to; undefined if it opens none. */
export function openingOf(call: TracedCall): Opening | undefined {
  if (!/^(?:open(?:at2?)?|creat)$/.test(call.name)) return undefined;
  const path = /^\d+<(.*)>/.exec(call.result)?.[1] ?? pathsOf(call)[0] ?? '';
  const flags = call.args.slice(call.args.lastIndexOf('"'));
  const isForWriting = call.name === 'creat' || /O_WRONLY|O_RDWR|O_CREAT|O_TRUNC|O_APPEND|O_TMPFILE/.test(flags);
  return { path, isForWriting };
}

/** The paths that a call names, or that its descriptor stands for. */
export function pathsOf({ args, cwd }: TracedCall): readonly string[] {
  const named = [...args.matchAll(/(?:(?:AT_FDCWD|\d+)<([^>]*)>, )?"((?:[^"\\]|\\.)*)"/g)].map(([, base, path = '']) =>
    resolve(base ?? cwd ?? '/unknown', path),
  );
  const held = /^\d+<([^>]*)>/.exec(args)?.[1];
  return named.length === 0 && held !== undefined ? [held] : named;
}

/** File and words of the program that a call starts, or tries to; undefined if it starts none. */
export function startOf({ name, args }: TracedCall): Start | undefined {
  if (!name.startsWith('execve')) return undefined;
  const [, file = '', list = ''] = /"((?:[^"\\]|\\.)*)", \[(.*)\], (?:0x|NULL)/.exec(args) ?? [];
  // A list of more than 32 words is cut.
  const rest = list.endsWith('"...') || list.endsWith(', ...') ? ['...'] : [];
  return { file, words: [...stringsIn(list).slice(1), ...rest] };
}

export interface Start {
  readonly file: string;
  readonly words: readonly string[];
}

export function basename(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

function stringsIn(text: string): readonly string[] {
  return [...text.matchAll(/"((?:[^"\\]|\\.)*)"/g)].map(([, word = '']) =>
    word.replaceAll(/\\(.)/g, (_, escaped: string) => (escaped === 'n' ? '\n' : escaped === 't' ? '\t' : escaped)),
  );
}
