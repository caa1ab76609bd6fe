// The slow quantities, once a minute: `nvidia-smi -q -x`, then its nvlink questions while this node has links. nvidia-smi(1).
// Nothing here waits: whoever reads calls `keepRunning` on every tick of its own.
import type { AbsenceReason } from '#agent/contract';
import type { CommandRunner, StreamEnd } from '../command.ts';
import type { Log } from '../log.ts';
import { detailSheets } from '../parse/gpu/smi-details.ts';
import { parseNvlinkData, parseNvlinkErrors, parseNvlinkStatus, type NvlinkGpu } from '../parse/gpu/smi-nvlink.ts';
import { parseSmiXml, type SmiXml } from '../parse/gpu/smi-xml.ts';
import { ParseError } from '../parse/parse-error.ts';
import type { GpuReport, GpuSource, SourceState } from './gpu-source.ts';
import { reasonOfEnd } from './nvidia-smi-reasons.ts';
import { askSlowFields } from './nvidia-smi-slow-fields.ts';
import { Waiting } from './settled.ts';

const KIND = 'nvidia-smi details';
const EVERY_MS = 60_000;
const VALID_PERIODS = 3;
/** Of one question; without persistence mode the driver starts anew for each. */
const ANSWER_MS = 20_000;
const LINKS_AGAIN_MS = 600_000;
const RESUME_MS = 10_000;
const MOST_CHARACTERS = 8 * 1024 * 1024;
/** A killed child that lives on this long hangs in the driver. */
const DYING_MS = 1000;

export interface NvidiaSmiDetailsOptions {
  readonly commands: CommandRunner;
  readonly file: string;
  readonly monotonicMs: () => number;
  readonly log: Log;
  readonly everyMs?: number;
}

type Ending = StreamEnd | 'too_late' | 'too_much';

interface Answer {
  readonly text: string;
  readonly ending: Ending;
}

interface Failure {
  readonly reason: AbsenceReason;
  readonly message: string;
}

/** The first one says whether there are links at all. */
const linkQuestions = [
  { args: ['nvlink', '-s'], parse: parseNvlinkStatus },
  { args: ['nvlink', '-e'], parse: parseNvlinkErrors },
  { args: ['nvlink', '-gt', 'd'], parse: parseNvlinkData },
] as const;

export class NvidiaSmiDetails implements GpuSource {
  readonly name = 'nvidia_smi_details';
  readonly #options: NvidiaSmiDetailsOptions;
  readonly #everyMs: number;
  readonly #waiting = new Waiting();
  /** By question, when it may be asked again. */
  readonly #linksAgainMs = linkQuestions.map(() => Number.NEGATIVE_INFINITY);
  #isStopped = false;
  #run = 0;
  #nextMs = Number.NEGATIVE_INFINITY;
  #begunMs = Number.NEGATIVE_INFINITY;
  #killedMs = Number.NEGATIVE_INFINITY;
  #asked: { readonly sinceMs: number; readonly end: (ending: Ending) => void } | undefined;
  #report: GpuReport | undefined;
  #failure: Failure | undefined;

  constructor(options: NvidiaSmiDetailsOptions) {
    this.#options = options;
    this.#everyMs = options.everyMs ?? EVERY_MS;
  }

  get state(): SourceState {
    const now = this.#options.monotonicMs();
    const pid = this.#options.commands.stuckPid(KIND);
    if (pid !== undefined && now - this.#killedMs > DYING_MS) return { kind: 'stuck', pid };
    const report = this.#report;
    if (report && now - report.atMs <= VALID_PERIODS * this.#everyMs) return { kind: 'delivering', report };
    if (this.#failure) return { kind: 'failed', ...this.#failure };
    return report ? { kind: 'failed', reason: 'timed_out', message: 'too old' } : { kind: 'starting' };
  }

  keepRunning(): void {
    const now = this.#options.monotonicMs();
    if (this.#isStopped) return;
    if (this.#asked) {
      if (now - this.#asked.sinceMs > ANSWER_MS) this.#asked.end('too_late');
    } else if (now >= this.#nextMs) {
      this.#begunMs = now;
      this.#nextMs = now + this.#everyMs;
      void this.#readAll(++this.#run);
    }
  }

  async settle(timeoutMs: number): Promise<void> {
    if (this.state.kind !== 'starting') return;
    await this.#waiting.wait(timeoutMs);
  }

  pause(): void {
    this.#abandon();
    this.#report = undefined;
    if (!this.#failure) this.#nextMs = this.#begunMs + Math.min(RESUME_MS, this.#everyMs);
  }

  stop(): void {
    this.#isStopped = true;
    this.#abandon();
    this.#waiting.wake();
  }

  /** The end of a run that was given up says nothing more. */
  #abandon(): void {
    this.#run++;
    this.#asked?.end('too_late');
  }

  async #readAll(run: number): Promise<void> {
    const answer = await this.#ask(['-q', '-x']);
    if (run !== this.#run) return;
    const xml = readXml(answer, this.#options.file);
    if ('reason' in xml) {
      const sheets = speaksNoXml(answer, xml) ? await this.#askFields(run) : [];
      if (run !== this.#run) return;
      if (sheets.length > 0) this.#take(detailSheets(sheets, []));
      else this.#fail(xml);
      return;
    }
    // The first time somebody waits: links come a little later.
    if (!this.#report) this.#take(detailSheets(xml.sheets, []));
    // Whoever broke off in the middle is not asked more.
    const links = isGood(answer.ending) ? await this.#askLinks(run) : [];
    if (run === this.#run) this.#take(detailSheets(xml.sheets, links));
  }

  #askFields(run: number): Promise<GpuReport['sheets']> {
    return askSlowFields(async (args) => {
      const { text, ending } = await this.#ask(args);
      return run === this.#run ? { text, isGood: isGood(ending) } : undefined;
    });
  }

  async #askLinks(run: number): Promise<readonly (readonly NvlinkGpu[])[]> {
    const found: (readonly NvlinkGpu[])[] = [];
    for (const [index, { args, parse }] of linkQuestions.entries()) {
      if (this.#options.monotonicMs() < (this.#linksAgainMs[index] ?? 0)) {
        // No links: nothing to ask of them.
        if (index === 0) break;
        continue;
      }
      const { text, ending } = await this.#ask(args);
      if (run !== this.#run) break;
      const gpus = isGood(ending) ? parse(text) : [];
      if (gpus.some(({ values }) => values.length > 0)) found.push(gpus);
      else {
        this.#linksAgainMs[index] = this.#options.monotonicMs() + LINKS_AGAIN_MS;
        if (index === 0) break;
      }
    }
    return found;
  }

  /** Always answers: with the child's end, or when it was given up. */
  #ask(args: readonly string[]): Promise<Answer> {
    const { commands, file, monotonicMs } = this.#options;
    return new Promise((resolve) => {
      let text = '';
      const end = (ending: Ending): void => {
        if (this.#asked !== asked) return;
        this.#asked = undefined;
        if (typeof ending === 'string') {
          this.#killedMs = monotonicMs();
          stream.stop();
        }
        resolve({ text, ending });
      };
      const asked = { sinceMs: monotonicMs(), end };
      this.#asked = asked;
      const stream = commands.stream({
        kind: KIND,
        file,
        args,
        onLine: (line) => {
          if (this.#asked !== asked) return;
          text += `${line}\n`;
          if (text.length > MOST_CHARACTERS) end('too_much');
        },
        onEnd: end,
      });
    });
  }

  #take(sheets: GpuReport['sheets']): void {
    if (this.#failure) this.#options.log.info('nvidia-smi tells details again');
    this.#failure = undefined;
    this.#report = { sheets, atMs: this.#options.monotonicMs() };
    this.#waiting.wake();
  }

  #fail(failure: Failure): void {
    if (this.#failure?.reason !== failure.reason) this.#options.log.warn('no details from nvidia-smi', { ...failure });
    this.#failure = failure;
    this.#waiting.wake();
  }
}

/** GPUs that were printed whole count, however the tool ended. */
function readXml({ text, ending }: Answer, file: string): SmiXml | Failure {
  try {
    return parseSmiXml(text, `${file} -q -x`);
  } catch (error) {
    if (!(error instanceof ParseError)) throw error;
    return { reason: reasonOfAnswer(text, ending), message: messageOf(text, ending) };
  }
}

/** A driver that is not there would not tell fields either, nor would a tool that broke off. */
function speaksNoXml({ text, ending }: Answer, { reason }: Failure): boolean {
  if (typeof ending === 'string' || text.includes('<nvidia_smi_log')) return false;
  return reason === 'unsupported' || reason === 'malformed';
}

function reasonOfAnswer(text: string, ending: Ending): AbsenceReason {
  if (ending === 'too_late') return 'timed_out';
  if (ending === 'too_much') return 'malformed';
  // It began to speak XML: what it said is broken, not missing.
  return text.includes('<nvidia_smi_log') && ending.reason === 'exited' ? 'malformed' : reasonOfEnd(ending);
}

/** The tool explains itself on standard output. */
function messageOf(text: string, ending: Ending): string {
  if (typeof ending === 'string') return ending === 'too_late' ? 'no answer in time' : 'too long an answer';
  return `${text.trim()} ${ending.stderr.trim()}`.trim().slice(0, 200) || ending.reason;
}

function isGood(ending: Ending): boolean {
  return typeof ending !== 'string' && ending.reason === 'exited' && ending.exitCode === 0;
}
