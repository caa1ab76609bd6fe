// Load agents in a process of their own: `fork('load-agents.ts', [OPTIONS as JSON])`. Each sends a frame a second, at a
// moment of its own. Obeys `connect`, `greet`, `reset`, `report`; reports how it stands four times a second.
import { setInterval } from 'node:timers';
import { LoadAgent, type Target } from './load-agents-agent.ts';
import { LoadCounts, reportOf } from './load-agents-counts.ts';
import { buildFrames } from './load-agents-frames.ts';
import { FrameWire } from './load-agents-wire.ts';

export interface LoadOptions {
  readonly target: Target;
  readonly count: number;
  readonly namePrefix: string;
  readonly connectsPerSecond: number;
  readonly returns: boolean;
}
export type LoadCommand = 'connect' | 'greet' | 'reset' | 'report';

const SECOND_MS = 1000;
const RAMP_MS = 20;
const REPORT_MS = 250;

const options = JSON.parse(process.argv[2] ?? '') as LoadOptions; // load-fleet.ts writes it
const frames = buildFrames();
const counts = new LoadCounts();
const wire = new FrameWire(options.target.form, frames);
const context = { target: options.target, frames, wire, counts, greets: false, returns: options.returns };
const agents = Array.from({ length: options.count }, (_, at) => new LoadAgent(context, `${options.namePrefix}${at}`));

process.on('message', (command: LoadCommand) => {
  switch (command) {
    case 'connect':
      oneByOne((agent) => {
        agent.connect();
      });
      break;
    case 'greet':
      context.greets = true;
      oneByOne((agent) => {
        agent.greet();
      });
      break;
    case 'reset':
      counts.reset();
      report();
      break;
    case 'report':
      report();
      break;
  }
});
process.on('disconnect', () => process.exit());
setInterval(report, REPORT_MS);
sampleEverySecond();

function report(): void {
  const open = agents.filter((agent) => agent.isOpen).length;
  process.send?.(reportOf(counts, { open, live: agents.filter((agent) => agent.isLive).length }));
}

/** At the rate of the options. */
function oneByOne(call: (agent: LoadAgent) => void): void {
  const startMs = performance.now();
  let done = 0;
  const timer = setInterval(() => {
    const due = ((performance.now() - startMs) * options.connectsPerSecond) / SECOND_MS;
    for (; done < due && done < agents.length; done++) {
      const agent = agents[done];
      if (agent) call(agent);
    }
    if (done === agents.length) clearInterval(timer);
  }, RAMP_MS);
}

/** Evenly spread over the second. */
function sampleEverySecond(): void {
  const apartMs = SECOND_MS / agents.length;
  const startMs = performance.now();
  let next = 0;
  setInterval(() => {
    const nowMs = performance.now();
    for (let dueMs = startMs + next * apartMs; dueMs <= nowMs; dueMs = startMs + ++next * apartMs) {
      counts.lateMs = Math.max(counts.lateMs, nowMs - dueMs);
      agents[next % agents.length]?.sample(nowMs);
    }
  }, 1);
}
