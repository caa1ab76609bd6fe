// The dialogue with the command line of a switch over one terminal: prompt, command, answer. It asks and never configures:
// besides `show` it sends `enable` and the switching off of the pager, both of its own session alone.
import { SshFailure } from '#agent/ssh';
import type { After } from './after.ts';
import { answerIn, cleanText } from './cli-text.ts';

const MOST_CHARACTERS = 4 * 1024 * 1024;
const ANSWER_MS = 20_000;
const PAGER_END = /(?:--\s*more\s*--|lines \d+-\d+[^\n]{0,40}|\(END\))\s*$/i;
const ANY_PROMPT = /(?:^|\n)([A-Za-z0-9][\w.-]*) (?:\[[^\]\n]*\] )?(?:\([^)\n]*\) )?[>#] ?$/;
const PASSWORD = /(?:^|\n)password: ?$/i;

/** What a dialogue speaks through. */
export interface Terminal {
  write(text: string): void;
  onData(take: (chunk: Buffer) => void): void;
  onEnd(call: () => void): void;
  close(): void;
}

interface Waiting {
  readonly until: (text: string) => boolean;
  readonly done: (text: string) => void;
  readonly fail: (failure: SshFailure) => void;
}

export class Dialogue {
  readonly #terminal: Terminal;
  readonly #after: After;
  #host = '';
  #text = '';
  #waiting: Waiting | undefined;
  #failure: SshFailure | undefined;

  constructor(terminal: Terminal, after: After) {
    this.#terminal = terminal;
    this.#after = after;
    terminal.onData((chunk) => {
      this.#take(chunk.toString('latin1'));
    });
    terminal.onEnd(() => {
      this.#fail(new SshFailure('closed', 'the switch ended the session'));
    });
  }

  /** Waits for the first prompt and makes the session fit for programs. Throws SshFailure. */
  async begin(): Promise<void> {
    const greeting = await this.#expect((text) => ANY_PROMPT.test(text), 'a prompt');
    this.#host = ANY_PROMPT.exec(cleanText(greeting))?.[1] ?? '';
    await this.ask('enable');
    await this.ask('no cli session paging enable');
  }

  /** The answer to one command. Throws SshFailure; then the dialogue is over. */
  async ask(command: string): Promise<string> {
    this.#text = '';
    const answer = this.#expect((text) => this.#isPrompt(text), `the end of ${command}`);
    this.#terminal.write(`${command}\n`);
    return answerIn(await answer, command);
  }

  close(): void {
    this.#fail(new SshFailure('closed', 'closed by us'));
  }

  /** The prompt of this very switch: other lines may end alike. */
  #isPrompt(text: string): boolean {
    return ANY_PROMPT.exec(text)?.[1] === this.#host;
  }

  async #expect(until: (text: string) => boolean, what: string): Promise<string> {
    if (this.#failure) throw this.#failure;
    const cancel = this.#after(ANSWER_MS, () => {
      this.#fail(new SshFailure('timed_out', `${what} did not come within ${ANSWER_MS / 1000} s`));
    });
    try {
      return await new Promise<string>((done, fail) => {
        this.#waiting = { until, done, fail };
        this.#check();
      });
    } finally {
      cancel();
    }
  }

  #take(chunk: string): void {
    if (this.#failure) return;
    this.#text += chunk;
    if (this.#text.length > MOST_CHARACTERS) this.#fail(new SshFailure('garbled', 'the switch talks without end'));
    else this.#check();
  }

  #check(): void {
    const waiting = this.#waiting;
    if (!waiting) return;
    // Only the end decides; a long answer is not cleaned again for every packet.
    const end = this.#text.slice(-500).replace(/\r+\n?/g, '\n');
    if (PAGER_END.test(stripped(end))) this.#answerPager(stripped(end));
    // An account that has to show a password for `enable` stays where it is.
    else if (PASSWORD.test(stripped(end))) this.#send('\n');
    else if (waiting.until(stripped(end))) {
      this.#waiting = undefined;
      waiting.done(this.#text);
    }
  }

  #answerPager(end: string): void {
    this.#send(/\(END\)\s*$/.test(end) ? 'q' : ' ');
  }

  /** What was answered must not be seen at the end a second time. */
  #send(text: string): void {
    this.#text += '\n';
    this.#terminal.write(text);
  }

  #fail(failure: SshFailure): void {
    if (this.#failure) return;
    this.#failure = failure;
    const waiting = this.#waiting;
    this.#waiting = undefined;
    this.#terminal.close();
    waiting?.fail(failure);
  }
}

/** Without terminal codes; pager lines stay, they are waited for. */
function stripped(text: string): string {
  return text.replace(/\u001b\[[0-9;?]*[A-Za-z]|\u001b[=>]/g, '');
}
