// `nvidia-smi nvlink -s`, `-e`, `-gt d` and `-gt r`: a line per GPU, below it a line per link. nvidia-smi nvlink -h.
import { absent, isAbsent } from '#agent/contract';
import { columnOf, valueIn, type GpuValue } from './sheet.ts';
import { countIn, inGigabytesPerSecond } from './smi-units.ts';

export interface NvlinkGpu {
  readonly gpu: string;
  readonly uuid: string;
  /** Empty where the GPU has no links or may not be asked for them. */
  readonly values: readonly GpuValue[];
  /** What the tool says instead of links. */
  readonly refusal: string;
}

export interface NvlinkTraffic {
  readonly gpu: string;
  readonly link: string;
  readonly direction: 'tx' | 'rx';
  readonly kibibytes: number | bigint;
}

type ReadLink = (link: string, text: string) => readonly GpuValue[];

const KIB = 1024;
const errorKinds = new Map([
  ['Replay', 'replay'],
  ['Recovery', 'recovery'],
  // Flits are what nvmlDeviceGetNvLinkErrorCounter checks by this sum.
  ['CRC', 'crc_flit'],
  ['CRC Flit', 'crc_flit'],
  ['CRC Data', 'crc_data'],
  ['ECC', 'ecc'],
]);

/** Whether each link is up, and how fast. */
export function parseNvlinkStatus(text: string): readonly NvlinkGpu[] {
  return parseLinks(text, (link, state) => {
    const up = columnOf('gpu_nvlink_up', { link });
    const speed = columnOf('gpu_nvlink_speed_bytes_per_second', { link });
    if (/^<?inactive>?$/i.test(state)) return [valueIn(up, 0), valueIn(speed, absent('not_present'))];
    const rate = inGigabytesPerSecond(state);
    return [valueIn(up, isAbsent(rate) ? rate : 1), valueIn(speed, rate)];
  });
}

export function parseNvlinkErrors(text: string): readonly NvlinkGpu[] {
  return parseLinks(text, (link, rest) => {
    const match = /^(.+?) Errors?: (.+)$/.exec(rest);
    const kind = errorKinds.get(match?.[1] ?? '');
    if (kind === undefined) return [];
    return [valueIn(columnOf('gpu_nvlink_errors_total', { link, kind }), countIn(match?.[2] ?? '', '', 1))];
  });
}

/** `-gt d`: payload alone. */
export function parseNvlinkData(text: string): readonly NvlinkGpu[] {
  return parseLinks(text, (link, rest) => {
    const match = /^Data (Tx|Rx): (.+)$/.exec(rest);
    if (!match) return [];
    const id = match[1] === 'Tx' ? 'gpu_nvlink_tx_bytes_total' : 'gpu_nvlink_rx_bytes_total';
    return [valueIn(columnOf(id, { link }), countIn(match[2] ?? '', 'KiB', KIB))];
  });
}

/** `-gt r`: payload and protocol together, which is no data and has no series. */
export function parseNvlinkRaw(text: string): readonly NvlinkTraffic[] {
  const traffic: NvlinkTraffic[] = [];
  for (const { gpu, link, rest } of linkLines(text)) {
    const match = /^Raw (Tx|Rx): (.+)$/.exec(rest);
    const kibibytes = countIn(match?.[2] ?? '', 'KiB', 1);
    if (match && !isAbsent(kibibytes))
      traffic.push({ gpu, link, direction: match[1] === 'Tx' ? 'tx' : 'rx', kibibytes });
  }
  return traffic;
}

function parseLinks(text: string, readLink: ReadLink): readonly NvlinkGpu[] {
  const gpus: { gpu: string; uuid: string; values: GpuValue[]; refusal: string }[] = [];
  for (const { gpu, uuid, link, rest } of linkLines(text)) {
    let last = gpus.at(-1);
    if (last?.uuid !== uuid || last.gpu !== gpu) gpus.push((last = { gpu, uuid, values: [], refusal: '' }));
    if (link !== '') last.values.push(...readLink(link, rest));
    else if (rest !== '') last.refusal = rest;
  }
  return gpus;
}

interface LinkLine {
  readonly gpu: string;
  readonly uuid: string;
  /** Empty in the GPU's own line and where the tool says something of all its links. */
  readonly link: string;
  readonly rest: string;
}

/** A last line without its end may be cut and is left out. */
function* linkLines(text: string): Generator<LinkLine> {
  let owner: Pick<LinkLine, 'gpu' | 'uuid'> | undefined;
  for (const raw of text.split('\n').slice(0, -1)) {
    const line = raw.trim();
    const head = /^GPU (\d{1,4}): .*\(UUID: ([^)]+)\)$/.exec(line);
    if (head) owner = { gpu: head[1] ?? '', uuid: head[2] ?? '' };
    // A line that was left out may have been another GPU's.
    else if (line === '...') owner = undefined;
    if (!owner || line === '' || line === '...') continue;
    const link = /^Link (\d{1,3}): (.+)$/.exec(line);
    yield { ...owner, link: link?.[1] ?? '', rest: head ? '' : (link?.[2] ?? line) };
  }
}
