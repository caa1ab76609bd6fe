// Lets newcomers in one after another, so that a thousand of them at once never hold up those who are in already.

export interface Newcomer {
  start(): void;
  /** It does not wait any more. */
  isGone(): boolean;
}

export interface AdmissionSettings {
  readonly perSecond: number;
  /** The line is no longer than what is let in within this time. */
  readonly lineMs: number;
  readonly time?: AdmissionTime;
}

export interface AdmissionTime {
  nowMs(): number;
  after(ms: number, call: () => void): void;
}

const STEP_MS = 10;
/** Share of a second's newcomers that may come in at once. */
const AT_ONCE = 0.1;

const systemTime: AdmissionTime = {
  nowMs: () => performance.now(),
  after: (ms, call) => void setTimeout(call, ms),
};

export class Admission {
  readonly #perSecond: number;
  readonly #lineLength: number;
  readonly #time: AdmissionTime;
  readonly #atOnce: number;
  #credit: number;
  #creditMs: number;
  #line: Newcomer[] = [];
  #isMoving = false;

  constructor({ perSecond, lineMs, time = systemTime }: AdmissionSettings) {
    this.#perSecond = perSecond;
    this.#lineLength = Math.ceil((perSecond * lineMs) / 1000);
    this.#time = time;
    this.#atOnce = Math.max(1, perSecond * AT_ONCE);
    this.#credit = this.#atOnce;
    this.#creditMs = time.nowMs();
  }

  /** Starts it now or when its turn comes; false if the line is too long for it. */
  enter(newcomer: Newcomer): boolean {
    this.#earn();
    if (this.#line.length === 0 && this.#credit >= 1) {
      this.#credit--;
      newcomer.start();
      return true;
    }
    if (this.#line.length >= this.#lineLength) this.#line = this.#line.filter((one) => !one.isGone());
    if (this.#line.length >= this.#lineLength) return false;
    this.#line.push(newcomer);
    this.#move();
    return true;
  }

  #move(): void {
    if (this.#isMoving) return;
    this.#isMoving = true;
    this.#time.after(STEP_MS, () => {
      this.#isMoving = false;
      this.#earn();
      const started = this.#take();
      if (this.#line.length > 0) this.#move();
      for (const one of started) one.start();
    });
  }

  /** Those whose turn has come, from the head of the line. */
  #take(): readonly Newcomer[] {
    const taken: Newcomer[] = [];
    let at = 0;
    for (; at < this.#line.length && this.#credit >= 1; at++) {
      const one = this.#line[at];
      if (!one || one.isGone()) continue;
      this.#credit--;
      taken.push(one);
    }
    this.#line = this.#line.slice(at);
    return taken;
  }

  /** What a busy server could not let in is not made up for all at once. */
  #earn(): void {
    const nowMs = this.#time.nowMs();
    const earned = ((nowMs - this.#creditMs) / 1000) * this.#perSecond;
    this.#credit = Math.min(this.#atOnce, this.#credit + earned);
    this.#creditMs = nowMs;
  }
}
