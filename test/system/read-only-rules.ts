// What a program that only reads may do, call by call: nothing is written outside its own folder, no program is started but
// those listed here, and these with questions only. Whatever is not listed is a fault.
import {
  basename,
  changingCalls,
  openingOf,
  pathsOf,
  rulingCalls,
  startOf,
  type TracedCall,
} from './read-only-trace.ts';

/** Options of nvidia-smi that ask; all others change something or are not ours. */
export const nvidiaSmiQuestion =
  /^(?:--help-query-gpu|--query-compute-apps=[\w.,]+ --format=csv,noheader|--query-gpu=[\w.,]+ --format=[\w,]+(?: --loop-ms=\d+)?|-q -x|-L|nvlink (?:-s|-e|-gt d)|topo -m|pmon -c 1)$/;

const nothing = /^$/;
/** By program, the words that it may be started with. */
const questions: ReadonlyMap<string, RegExp> = new Map([
  // Ourselves: the agent, its child that holds NVML, and `whyidle fabric`.
  [
    'node',
    /^(?:--\S+ )*\S*\/(?:agent\/(?:main|probe\/gpu-reader)|server\/cli\/whyidle|gpu-reader|dist\/\w+\/\w+)\.[jt]s\b/,
  ],
  ['nvidia-smi', nvidiaSmiQuestion],
  ['dcgmi', /^(?:discovery -[lc]|profile -l -i \d+|dmon -e [\d,]+ -d \d+ -i [\w:,]+)$/],
  ['journalctl', /^-k -f -q --no-pager -o json (?:-n \d+|--after-cursor=\S+)$/],
  ['stat', /^-f -c [%\w ]+ -- /],
  ['getent', /^passwd \d+$/],
  ['nvme', /^smart-log -o json \/dev\/nvme\d+$/],
  ['smartctl', /^-jx \/dev\/nvme\d+$/],
  ['mmpmon', /^-p$/],
  ['ibnetdiscover', nothing],
  ['iblinkinfo', /^-l$/],
  ['ibqueryerrors', /^(?:--counters|--threshold-file \/dev\/null)$/],
  ['perfquery', /^(?:-[xcDE] )?\d+ \d+$/],
  // What systeminformation starts for the inventory of the host (osInfo, system, cpu, mem), each in a shell. They print files
  // of /proc, /sys and /etc, CPUs, links and firmware tables; none of these words sets anything.
  ['cat', /^(?:\/(?:proc|sys|etc|usr\/lib|var\/lib\/dbus)\/\S+(?: |$))+$/],
  ['grep', /^(?:-\w+ )?[^-]/],
  ['ls', /^-[1l] \/(?:dev\/disk\/by-id\/|etc\/localtime)$/],
  ['lscpu', nothing],
  ['hostname', /^(?:-f)?$/],
  ['which', /^ip$/],
  ['ip', /^link show up$/],
  ['ifconfig', nothing],
  ['dmesg', nothing],
  ['dmidecode', /^-t (?:system|4|7)$/],
  ['pciconf', /^-lv$/],
  ['uname', /^-[ov]$/],
]);
const builtins: ReadonlySet<string> = new Set(['echo', 'export', 'unset', 'true']);
/** mmpmon is told on its standard input what to do: this reads. */
const mmpmonScript = 'echo fs_io_s | /usr/lpp/mmfs/bin/mmpmon -p';

interface Channel {
  readonly programs: RegExp;
  readonly device: RegExp;
}

/** Devices that take a question by being written to, or by a call of the driver's own: for the tools that ask it, only. */
const channels: readonly Channel[] = [
  // A management datagram that asks (Get) is written to the device: infiniband-diags open it for both.
  { programs: /^(?:ibnetdiscover|iblinkinfo|ibqueryerrors|perfquery)$/, device: /^\/dev\/infiniband\/umad\d+$/ },
  // Get Log Page is an admin command of the drive.
  { programs: /^(?:nvme|smartctl)$/, device: /^\/dev\/nvme\d+(?:n\d+)?$/ },
  // The driver answers NVML there, a thread of ours (that has started no program) or nvidia-smi: which functions are called
  // is seen where the library is a stand-in.
  { programs: /^(?:nvidia-smi|node|)$/, device: /^\/dev\/nvidia(?:ctl|\d+|-uvm|-caps\/.*|-nvswitch\w*)$/ },
];

/** Requests that tell of a terminal, or change how this process alone sees its own descriptor. */
const harmlessRequests = /^(?:TCGETS2?|TIOCGWINSZ|TIOCGPGRP|FIONBIO|FIONREAD|FIOCLEX|FIONCLEX)$/;
const writableAnyway = /^\/dev\/(?:null|tty)$/;

export interface Permission {
  /** Folders in which files may be made, changed and removed. */
  readonly folders: readonly string[];
}

/** One line for each call that may not be. */
export function faultsIn(trace: readonly TracedCall[], permission: Permission): readonly string[] {
  const own = new Set(trace.map(({ pid }) => pid));
  return trace.flatMap((call) => {
    const why = whyForbidden(call, permission, own);
    return why === undefined ? [] : [`${why}: ${call.program || 'no program'}[${call.pid}] ${call.line}`];
  });
}

function whyForbidden(call: TracedCall, { folders }: Permission, own: ReadonlySet<number>): string | undefined {
  const mayChange = (path: string): boolean => folders.some((folder) => path.startsWith(`${folder}/`));
  const { name, args } = call;
  const opening = openingOf(call);
  if (opening?.isForWriting === true) {
    const { path } = opening;
    return writableAnyway.test(path) || mayChange(path) || isAsked(call, path) ? undefined : 'opened for writing';
  }
  if (changingCalls.has(name))
    return pathsOf(call).every(mayChange) && pathsOf(call).length > 0 ? undefined : 'changed';
  const start = startOf(call);
  if (start) return isQuestion(basename(start.file), start.words) ? undefined : 'started';
  if (name === 'kill') return own.has(Math.abs(Number.parseInt(args))) ? undefined : 'signalled';
  if (name === 'ioctl') return isHarmlessRequest(call) ? undefined : 'told a device';
  if (name === 'syslog')
    return /^\d+ \/\* SYSLOG_ACTION_(?:READ_ALL|SIZE_BUFFER|SIZE_UNREAD) \*\//.test(args) ? undefined : 'ruled';
  if (rulingCalls.has(name) || name === 'pidfd_send_signal') return 'ruled';
  return name === '' ? 'not understood' : undefined;
}

function isAsked({ program }: TracedCall, path: string): boolean {
  return channels.some(({ programs, device }) => programs.test(program) && device.test(path));
}

function isHarmlessRequest(call: TracedCall): boolean {
  const [, path = '', request = ''] = /^\d+<(.*?)>, ([^,]*)/.exec(call.args) ?? [];
  return harmlessRequests.test(request) || isAsked(call, path);
}

/** Whether a program may be started with these words. */
export function isQuestion(program: string, words: readonly string[]): boolean {
  if (program === 'sh') return words.length === 2 && words[0] === '-c' && isHarmlessScript(words[1] ?? '');
  return questions.get(program)?.test(words.join(' ')) ?? false;
}

/** A script of nothing but questions, whose output goes nowhere but to the next of them. */
function isHarmlessScript(script: string): boolean {
  if (script.includes('mmpmon')) return script === mmpmonScript;
  const tokens = script
    .replaceAll(/2>&1|\d?>\s*\/dev\/null/g, ' ')
    .match(/"(?:[^"\\]|\\.)*"|'[^']*'|[;&|\n]+|\$\w+|[^\s;&|"'<>`$()]+|[<>`$()"']/g);
  const commands: string[][] = [[]];
  for (const token of tokens ?? []) {
    if (/^[<>`$()"']$/.test(token) || /^".*[`$]/s.test(token)) return false;
    if (/^[;&|\n]/.test(token)) commands.push([]);
    else commands.at(-1)?.push(token.replaceAll(/^["']|["']$/g, ''));
  }
  return commands.every(
    ([program, ...words]) => program === undefined || builtins.has(program) || isQuestion(basename(program), words),
  );
}
