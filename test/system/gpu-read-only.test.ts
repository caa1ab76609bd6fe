// What the agent and its children open, make, change and start while they read GPUs by the library and then by nvidia-smi, as
// the kernel sees it: strace(1). Nothing is written anywhere, no setter is called, the tool gets questions only.
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { execFileSync } from 'node:child_process';
import { afterAll, describe, expect, test } from 'vitest';
import { nvmlFunctions } from '../../agent/simulator/render/nvml-functions.ts';
import { prepareNvml, whyNoNvmlDouble } from '../doubles/nvml/double.ts';
import { writeNvidiaSmi } from '../doubles/nvidia-smi/program.ts';
import { leftOut } from '../left-out.ts';
import { commandLineOf, descendantsOf, type AgentProgram } from './gpu-agent.ts';
import { GpuNode } from './gpu-node.ts';
import { until } from './program.ts';

const DRIVER_NOT_LOADED = 9;

function whyNoStrace(): string | undefined {
  try {
    execFileSync('strace', ['-qq', '-o', '/dev/null', 'true'], { stdio: 'pipe' });
    return undefined;
  } catch (error) {
    return `strace cannot be used: ${error instanceof Error ? error.message : String(error)}`;
  }
}

const suite = 'reading GPUs changes nothing';
const missing = whyNoNvmlDouble() ?? whyNoStrace();
if (missing !== undefined) leftOut(suite, missing);

/** Calls by which a file comes into being, changes or goes. */
const changing =
  'creat,mkdir,mkdirat,mknod,mknodat,rmdir,unlink,unlinkat,rename,renameat,renameat2,link,linkat,symlink,symlinkat,truncate,ftruncate,chmod,fchmod,fchmodat,chown,fchown,lchown,fchownat,setxattr,fsetxattr,mount,umount2,utimensat';
/** What nvidia-smi may be asked with; all others of its options change something or are not ours. */
const question =
  /^(?:--help-query-gpu|--query-compute-apps=[\w.,]+ --format=csv,noheader|--query-gpu=[\w.,]+ --format=[\w,]+(?: --loop-ms=\d+)?|-q -x|nvlink (?:-s|-e|-gt d)|topo -m|pmon -c 1)$/;

describe.skipIf(missing !== undefined)(suite, () => {
  let node: GpuNode | undefined;
  afterAll(() => node?.remove());

  test('by the library, then by the tool', { timeout: 90_000 }, async () => {
    prepareNvml();
    node = new GpuNode();
    const { nvml, directory } = node;
    const tool = writeNvidiaSmi(directory, 'ok');
    const traces = join(directory, 'traces');
    mkdirSync(traces);
    // A file for each process, so that lines are whole.
    const strace = [
      'strace',
      '-ff',
      '-qq',
      '-s',
      '65536',
      '-e',
      `trace=open,openat,openat2,execve,${changing}`,
      '-o',
      join(traces, 'of'),
    ];
    const args = ['--nvml', nvml.library, '--nvidia-smi', tool, '--gpu-processes', '--interval', '200ms'];
    const agent = node.start(args, strace);
    await agent.pageWith('NVML carries', (page) => page.backend === 'nvml' && page.sum('gpu_up') === 8, 60_000);
    const called = nvml.called();
    for (const name of nvmlFunctions) nvml.injectReturn(name, DRIVER_NOT_LOADED);
    const byTool = await agent.pageWith('nvidia-smi carries', (page) => page.backend === 'nvidia_smi', 60_000);
    expect(byTool.sum('gpu_up')).toBe(8);
    await until('details were asked for', () =>
      readAll(traces).some((line) => line.includes('"-q", "-x"')) ? true : undefined,
    );
    await stopTraced(agent);
    const trace = readAll(traces);

    expect(called.length).toBeGreaterThan(40);
    expect(
      called.filter((name) => /Set(?!Create|Wait|Free)|Reset|Clear|Enable|Disable|Create|Destroy|Modify/.test(name)),
    ).toEqual(['nvmlEventSetCreate']);
    // The stand-in library counts its calls in its own file: that is seen, so others would be.
    const written = opened(trace).flatMap(({ path, isForWriting }) => (isForWriting ? [path] : []));
    expect([...new Set(written)].filter((path) => path !== '/dev/null')).toEqual([nvml.state.path]);
    expect(trace.filter((line) => new RegExp(`^(?:${changing.replaceAll(',', '|')})\\(`).test(line))).toEqual([]);
    const started = executed(trace);
    const asked = started.filter(([file]) => file === tool).map(([, , ...words]) => words.join(' '));
    expect(asked.length).toBeGreaterThan(2);
    expect(asked.filter((words) => !question.test(words))).toEqual([]);
    // The inventory asks programs of the host; of GPUs nobody else is asked, whether it is there or not.
    const attempts = trace.filter((line) => /execve\("[^"]*(?:nvidia|dcgm)/.test(line) && !line.includes(`"${tool}"`));
    expect(attempts).toEqual([]);
  });
});

/** A tracer is not ended by a signal to it: its program is. */
async function stopTraced(agent: AgentProgram): Promise<void> {
  const pid = descendantsOf(agent.child.pid ?? 0).find((one) => commandLineOf(one).includes('agent/main.ts'));
  if (pid !== undefined) process.kill(pid, 'SIGTERM');
  await until('it has ended', () => (agent.hasEnded ? true : undefined));
}

function readAll(directory: string): readonly string[] {
  return readdirSync(directory).flatMap((file) => readFileSync(join(directory, file), 'latin1').split('\n'));
}

/** Those that could be opened. */
function opened(trace: readonly string[]): readonly { readonly path: string; readonly isForWriting: boolean }[] {
  return trace.flatMap((line) => {
    const [, path = '', flags = ''] = /^open(?:at2?)?\((?:AT_FDCWD, |\d+, )?"([^"]*)", (.*)\) = \d+/.exec(line) ?? [];
    return path === '' ? [] : [{ path, isForWriting: /O_WRONLY|O_RDWR|O_CREAT|O_TRUNC|O_APPEND/.test(flags) }];
  });
}

/** File and words of the programs that were started. */
function executed(trace: readonly string[]): readonly (readonly string[])[] {
  return trace.flatMap((line) => {
    const [, file, words] = /^execve\("([^"]*)", \[(.*)\], 0x.* = 0/.exec(line) ?? [];
    return file === undefined || words === undefined
      ? []
      : [[file, ...[...words.matchAll(/"((?:[^"\\]|\\.)*)"/g)].map(([, word = '']) => word)]];
  });
}
