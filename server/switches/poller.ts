// One managed switch: a session that is kept open and asked once a minute, made anew with back-off when it breaks.
import { BackOff, failureOf, SshFailure, type Gate, type SshConnection, type SshTarget } from '#agent/ssh';
import type { Clock } from '../clock.ts';
import type { Log } from '../log.ts';
import type { After } from './after.ts';
import { isRefused } from './cli-text.ts';
import type { SwitchConfig } from './config.ts';
import { Dialogue } from './dialogue.ts';
import {
  readChassis,
  readFans,
  readPorts,
  readSupplies,
  readTemperatures,
  readVersion,
  type Fan,
  type Supply,
  type SwitchPort,
  type Temperature,
  type Version,
} from './reading.ts';
import { terminalOf } from './terminal.ts';

export const PERIOD_MS = 60_000;
const MOST_REPORT_LINES = 20;

export interface SwitchReading {
  readonly atMs: number;
  readonly version: Version;
  readonly temperatures: readonly Temperature[];
  readonly fans: readonly Fan[];
  readonly supplies: readonly Supply[];
  readonly ports: readonly SwitchPort[];
  /** The last lines of its own report about its health. */
  readonly report: readonly string[];
}

export interface PollerOptions {
  readonly config: SwitchConfig;
  readonly connect: (target: SshTarget) => Promise<SshConnection>;
  /** Few switches are asked at once. */
  readonly gate: Gate;
  readonly clock: Clock;
  readonly after: After;
  readonly log: Log;
  readonly random: () => number;
  readonly onChange: () => void;
}

/** What is known of a switch now. */
export type SwitchState = Pick<SwitchPoller, 'config' | 'reading' | 'failure'>;

export class SwitchPoller {
  readonly config: SwitchConfig;
  readonly #options: PollerOptions;
  readonly #backOff: BackOff;
  #connection: SshConnection | undefined;
  #dialogue: Dialogue | undefined;
  #cancel: () => void = () => undefined;
  #isStopped = false;
  #reading: SwitchReading | undefined;
  #failure: SshFailure | undefined;
  #failingSinceMs: number | undefined;

  constructor(options: PollerOptions) {
    this.config = options.config;
    this.#options = options;
    this.#backOff = new BackOff(options.random);
  }

  /** The last reading that succeeded, also while the switch does not answer any more. */
  get reading(): SwitchReading | undefined {
    return this.#reading;
  }

  /** undefined before the first attempt has ended. */
  get isUp(): boolean | undefined {
    if (this.#failure) return false;
    return this.#reading ? true : undefined;
  }

  /** Why and since when it cannot be read. */
  get failure(): { readonly why: SshFailure; readonly sinceMs: number } | undefined {
    if (!this.#failure || this.#failingSinceMs === undefined) return undefined;
    return { why: this.#failure, sinceMs: this.#failingSinceMs };
  }

  /** Switches do not begin all at once. */
  start(): void {
    this.#plan(this.#options.random() * 2000);
  }

  stop(): void {
    this.#isStopped = true;
    this.#cancel();
    this.#drop();
  }

  #plan(ms: number): void {
    if (this.#isStopped) return;
    this.#cancel = this.#options.after(ms, () => {
      void this.#options.gate.run(() => this.#poll());
    });
  }

  /** Never throws. */
  async #poll(): Promise<void> {
    if (this.#isStopped) return;
    try {
      this.#succeed(await this.#ask(this.#dialogue ?? (await this.#open())));
      this.#plan(PERIOD_MS);
    } catch (error) {
      this.#drop();
      const why = failureOf(error);
      this.#fail(why);
      this.#plan(this.#backOff.next(why.kind));
    }
    this.#options.onChange();
  }

  async #open(): Promise<Dialogue> {
    const { connect, after } = this.#options;
    const connection = await connect(this.config.target);
    this.#connection = connection;
    connection.onClose(() => {
      if (this.#connection === connection) this.#connection = this.#dialogue = undefined;
    });
    const dialogue = await connection.shell((channel) => new Dialogue(terminalOf(channel), after));
    await dialogue.begin();
    this.#dialogue = dialogue;
    return dialogue;
  }

  async #ask(dialogue: Dialogue): Promise<SwitchReading> {
    const version = readVersion(await this.#show(dialogue, 'version'));
    // A host that knows no `show version` is no switch of this kind.
    if (!version) throw new SshFailure('garbled', 'show version gave nothing that is understood');
    const chassis = readChassis(await dialogue.ask('show inventory'));
    return {
      atMs: this.#options.clock.nowMs(),
      version: { ...version, ...chassis },
      temperatures: readTemperatures(await this.#show(dialogue, 'temperature')),
      fans: readFans(await this.#show(dialogue, 'fan')),
      supplies: readSupplies(await this.#show(dialogue, 'power')),
      ports: readPorts(await this.#show(dialogue, 'interfaces ib status')),
      report: reportOf(await dialogue.ask('show health-report')),
    };
  }

  /** As JSON; as text where the release knows no JSON of it. */
  async #show(dialogue: Dialogue, what: string): Promise<string> {
    const answer = await dialogue.ask(`show ${what} | json-print`);
    return isRefused(answer) ? dialogue.ask(`show ${what}`) : answer;
  }

  #succeed(reading: SwitchReading): void {
    if (this.#failure) this.#options.log.info('the switch answers again', { switch: this.config.name });
    this.#backOff.succeeded();
    this.#reading = reading;
    this.#failure = undefined;
    this.#failingSinceMs = undefined;
  }

  #fail(why: SshFailure): void {
    const { log, clock } = this.#options;
    if (this.#isStopped) return;
    if (this.#failure?.message !== why.message)
      log.warn('the switch cannot be read; trying again and again', {
        switch: this.config.name,
        reason: why.kind,
        message: why.message,
      });
    this.#failure = why;
    this.#failingSinceMs ??= clock.nowMs();
  }

  #drop(): void {
    const connection = this.#connection;
    this.#connection = this.#dialogue = undefined;
    connection?.close();
  }
}

function reportOf(answer: string): readonly string[] {
  if (isRefused(answer)) return [];
  const lines = answer.split('\n').map((line) => line.trim());
  return lines.filter((line) => /[A-Za-z]/.test(line)).slice(-MOST_REPORT_LINES);
}
