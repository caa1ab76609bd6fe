// The metrics page of a dcgm-exporter, asked for once per interval: its age, its silence, its frozen values.
// Nothing here waits: whoever reads calls `keepRunning` on every tick of its own.
import { isAbsent, type AbsenceReason } from '#agent/contract';
import type { Log } from '../log.ts';
import { DcgmPageParser, type DcgmPage, type DcgmSwitch } from '../parse/gpu/dcgm-page.ts';
import type { GpuSheet } from '../parse/gpu/sheet.ts';
import { ParseError } from '../parse/parse-error.ts';
import type { GpuReport, GpuSource, SourceState } from './gpu-source.ts';
import { createHttpGet, type HttpAnswer, type HttpGet, type HttpRequest } from './http-get.ts';
import { Waiting } from './settled.ts';

const TIMEOUT_MS = 2000;
const MAX_BYTES = 8 * 1024 * 1024;
const LEAST_SILENCE_MS = 5000;
const FIRST_BACKOFF_MS = 1000;
const LAST_BACKOFF_MS = 60_000;
/** An exporter reads every 30 s by default: three of its readings that are the same to the last digit are none. */
const FROZEN_MS = 90_000;

export interface DcgmExporterOptions {
  /** As `dcgmExporterUrl` gives it. */
  readonly url: URL;
  readonly intervalMs: number;
  readonly monotonicMs: () => number;
  readonly log: Log;
  readonly get?: HttpGet;
}

/** The page an address names: `/metrics` where it names none. undefined if it is no address of a page. */
export function dcgmExporterUrl(text: string): URL | undefined {
  const url = URL.parse(text);
  if (!url || !/^https?:$/.test(url.protocol) || url.hostname === '') return undefined;
  if (url.pathname === '/') url.pathname = '/metrics';
  return url;
}

interface Failure {
  readonly reason: AbsenceReason;
  readonly message: string;
}

export class DcgmExporter implements GpuSource {
  readonly name = 'dcgm_exporter';
  readonly #options: DcgmExporterOptions;
  readonly #get: HttpGet;
  readonly #silenceMs: number;
  readonly #waiting = new Waiting();
  readonly #parser = new DcgmPageParser();
  #request: HttpRequest | undefined;
  #isStopped = false;
  #dueMs = Number.NEGATIVE_INFINITY;
  #failures = 0;
  #failure: Failure | undefined;
  #told = '';
  #text = '';
  #page: DcgmPage | undefined;
  #report: GpuReport | undefined;
  #changedMs = Number.NEGATIVE_INFINITY;

  constructor(options: DcgmExporterOptions) {
    this.#options = options;
    this.#get = options.get ?? createHttpGet();
    this.#silenceMs = Math.max(LEAST_SILENCE_MS, 3 * options.intervalMs);
  }

  get state(): SourceState {
    const now = this.#options.monotonicMs();
    const report = this.#report;
    if (report && now - report.atMs <= this.#silenceMs) {
      const frozen = this.#frozenFor(report, now);
      return frozen ? { kind: 'failed', ...frozen } : { kind: 'delivering', report };
    }
    if (this.#failure) return { kind: 'failed', ...this.#failure };
    if (!report) return { kind: 'starting' };
    return { kind: 'failed', reason: 'timed_out', message: 'dcgm-exporter has not answered' };
  }

  /** How long ago anything on the page changed: at least as old are its values. undefined before the first page. */
  get ageMs(): number | undefined {
    return this.#report && this.#options.monotonicMs() - this.#changedMs;
  }

  /** NVSwitches of the newest page. */
  get switches(): readonly DcgmSwitch[] {
    return this.state.kind === 'delivering' ? (this.#page?.switches ?? []) : [];
  }

  keepRunning(): void {
    const now = this.#options.monotonicMs();
    if (this.#isStopped || this.#request || now < this.#dueMs) return;
    this.#dueMs = now + this.#options.intervalMs;
    const request = this.#get({ url: this.#options.url, timeoutMs: TIMEOUT_MS, maxBytes: MAX_BYTES });
    this.#request = request;
    void request.answer.then((answer) => {
      if (this.#request !== request) return;
      this.#request = undefined;
      this.#take(answer);
    });
  }

  async settle(timeoutMs: number): Promise<void> {
    if (this.state.kind === 'starting') await this.#waiting.wait(timeoutMs);
  }

  pause(): void {
    const request = this.#request;
    this.#request = undefined;
    request?.cancel();
    this.#report = undefined;
    this.#page = undefined;
    this.#text = '';
  }

  stop(): void {
    this.#isStopped = true;
    this.pause();
    this.#waiting.wake();
  }

  #take(answer: HttpAnswer): void {
    const page = answer.kind === 'done' && answer.status === 200 ? this.#read(answer.body) : failureOf(answer);
    if ('reason' in page) this.#fail(page);
    else this.#deliver(page);
    this.#waiting.wake();
  }

  #read(body: string): DcgmPage | Failure {
    if (body === this.#text && this.#page) return this.#page;
    try {
      const page = this.#parser.parse(body, 'dcgm-exporter');
      if (page.sheets.length === 0) return { reason: 'not_present', message: 'no GPU on the page of dcgm-exporter' };
      this.#text = body;
      this.#changedMs = this.#options.monotonicMs();
      return page;
    } catch (error) {
      if (!(error instanceof ParseError)) throw error;
      return { reason: 'malformed', message: error.message };
    }
  }

  #deliver(page: DcgmPage): void {
    const now = this.#options.monotonicMs();
    this.#page = page;
    this.#report = { sheets: page.sheets, atMs: now };
    this.#failures = 0;
    this.#failure = undefined;
    this.#tell(this.#frozenFor(this.#report, now) ? 'its values stand still while GPUs are busy' : '');
  }

  #fail(failure: Failure): void {
    const { intervalMs, monotonicMs } = this.#options;
    const backoffMs = Math.min(LAST_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** this.#failures);
    this.#dueMs = monotonicMs() + Math.max(intervalMs, backoffMs);
    this.#failures = Math.min(this.#failures + 1, 16);
    this.#failure = failure;
    this.#tell(failure.message);
  }

  #frozenFor(report: GpuReport, now: number): Failure | undefined {
    const forMs = now - this.#changedMs;
    if (forMs <= FROZEN_MS || !report.sheets.some(isBusy)) return undefined;
    const message = `dcgm-exporter shows the same values for ${Math.round(forMs / 1000)} s while GPUs are busy`;
    return { reason: 'timed_out', message };
  }

  /** A change of state, once. The address may hold a password: its host alone is told. */
  #tell(cause: string): void {
    if (cause === this.#told) return;
    const { log, url } = this.#options;
    if (cause === '') log.info('dcgm-exporter delivers again', { host: url.host });
    else log.warn('dcgm-exporter does not deliver', { host: url.host, cause });
    this.#told = cause;
  }
}

function isBusy({ values }: GpuSheet): boolean {
  return values.some(({ column, value }) => column.id === 'gpu_utilization_ratio' && !isAbsent(value) && value > 0);
}

function failureOf(answer: HttpAnswer): Failure {
  switch (answer.kind) {
    case 'done':
      return { reason: reasonOfStatus(answer.status), message: `dcgm-exporter answers ${answer.status}` };
    case 'timed_out':
      return { reason: 'timed_out', message: `dcgm-exporter has not answered within ${TIMEOUT_MS / 1000} s` };
    case 'too_long':
      return { reason: 'malformed', message: `dcgm-exporter's page is longer than ${MAX_BYTES} bytes` };
    case 'failed':
      return { reason: reasonOfCode(answer.code), message: `dcgm-exporter cannot be asked: ${answer.message}` };
  }
}

function reasonOfStatus(status: number): AbsenceReason {
  if (status === 401 || status === 403) return 'forbidden';
  return status === 404 || status === 410 ? 'not_present' : 'malformed';
}

function reasonOfCode(code: string): AbsenceReason {
  switch (code) {
    case 'ECONNREFUSED':
    case 'ENOTFOUND':
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
      return 'not_present';
    case 'EACCES':
    case 'EPERM':
      return 'forbidden';
    case 'ETIMEDOUT':
    case 'EAI_AGAIN':
      return 'timed_out';
    default:
      return 'malformed';
  }
}
