// What nvidia-smi 470 answers to questions about a moment: -q -x, nvlink -s, -e and -gt d, pmon -c 1. `nvidia-smi nvlink -h`.
import { isLinkUp, LINKS_PER_GPU, nvlinksOf } from '../nvlink.ts';
import type { NodeState } from '../workload.ts';
import { renderXml } from './nvidia-smi-xml.ts';
import { smiBusId } from './smi-text.ts';

export interface Report {
  readonly exitCode: number;
  readonly text: string;
}

/** As the stand-in's script names them. */
export const reportNames = ['q-x', 'nvlink-s', 'nvlink-e', 'nvlink-gt-d', 'pmon'] as const;
export type ReportName = (typeof reportNames)[number];

const NO_SUCH_GPU = 6;
const LINK_SPEED = '25.781 GB/s';

/** `id` is an index, UUID or address; empty for all GPUs. */
export function renderReport(name: string, id: string, { state, wall }: { state: NodeState; wall: Date }): Report {
  const known = reportNames.find((one) => one === name);
  const only = id === '' ? undefined : indexOf(state, id);
  if (!known || (id !== '' && only === undefined)) return { exitCode: NO_SUCH_GPU, text: 'No devices were found\n' };
  return { exitCode: 0, text: renderKnown(known, state, { wall, only }) };
}

function renderKnown(
  name: ReportName,
  state: NodeState,
  { wall, only }: { readonly wall: Date; readonly only: number | undefined },
): string {
  switch (name) {
    case 'q-x':
      return renderXml(state, wall, only);
    case 'nvlink-s':
      return renderLinks(state, only, (gpu, link) => [isUp(state, gpu, link) ? LINK_SPEED : '<inactive>']);
    case 'nvlink-e':
      return renderLinks(state, only, (gpu, link) => errorLines(state, gpu, link), '\n');
    case 'nvlink-gt-d':
      return renderLinks(state, only, (gpu, link) => trafficLines(state, gpu, link));
    case 'pmon':
      return renderProcesses(state, only);
  }
}

function indexOf({ hardware }: NodeState, id: string): number | undefined {
  return hardware.gpus.find(
    ({ index, uuid, bus }) => id === String(index) || id === uuid || smiBusId(bus).endsWith(id.toUpperCase()),
  )?.index;
}

function renderLinks(
  { hardware, gpus }: NodeState,
  only: number | undefined,
  linesOf: (gpu: number, link: number) => readonly string[],
  between = '',
): string {
  return hardware.gpus
    .filter(({ index }) => only === undefined || index === only)
    .map(({ index, uuid }) => {
      const head = `GPU ${index}: ${hardware.platform.gpu.name} (UUID: ${uuid})\n`;
      if (gpus[index]?.lost === true) return `${head}\t GPU is lost\n`;
      const links = Array.from({ length: LINKS_PER_GPU }, (_, link) =>
        linesOf(index, link)
          .map((line) => `\t Link ${link}: ${line}\n`)
          .join(''),
      );
      return head + links.map((link) => link + between).join('');
    })
    .join('');
}

function isUp({ hardware, gpus }: NodeState, gpu: number, link: number): boolean {
  const end = nvlinksOf(hardware.platform.name)[gpu]?.[link];
  return isLinkUp(
    end,
    gpus.map(({ lost }) => lost),
    gpu,
  );
}

function errorLines({ gpuCounters }: NodeState, gpu: number, link: number): readonly string[] {
  const counters = gpuCounters[gpu]?.links[link];
  return [
    `Replay Errors: ${counters?.replayErrors ?? 0}`,
    `Recovery Errors: ${counters?.recoveryErrors ?? 0}`,
    `CRC Errors: ${counters?.crcErrors ?? 0}`,
  ];
}

function trafficLines({ gpuCounters }: NodeState, gpu: number, link: number): readonly string[] {
  const counters = gpuCounters[gpu]?.links[link];
  const kibibytes = (bytes: bigint | undefined): string => `${(bytes ?? 0n) / 1024n} KiB`;
  return [`Data Tx: ${kibibytes(counters?.txBytes.count)}`, `Data Rx: ${kibibytes(counters?.rxBytes.count)}`];
}

function renderProcesses({ gpus }: NodeState, only: number | undefined): string {
  const rows = gpus.map(({ process, busy, memoryActive }, index) => {
    if (only !== undefined && index !== only) return '';
    const share = (value: number): string => (busy > 0 ? String(Math.round(value * 100)) : '-');
    const cells = process
      ? [process.pid, 'C', share(busy), share(memoryActive), '-', '-']
      : ['-', '-', '-', '-', '-', '-'];
    const widths = [10, 5, 5, 5, 5, 5];
    const line = cells.map((cell, column) => String(cell).padStart(widths[column] ?? 0)).join(' ');
    const command = process?.name.split('/').at(-1)?.slice(0, 14) ?? '-';
    return `${String(index).padStart(5)} ${line}   ${command.padEnd(15)}\n`;
  });
  return `# gpu        pid  type    sm   mem   enc   dec   command\n# Idx          #   C/G     %     %     %     %   name\n${rows.join('')}`;
}
