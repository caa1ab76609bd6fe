// Which commands there are; each is loaded when it is called.
import type { Command, Entry } from './command.ts';

export const commands: Readonly<Record<string, Entry>> = {
  server: {
    summary: 'receive, judge and show: the page, the API, /metrics',
    load: async () => (await import('./server.ts')).runServer,
  },
  agent: {
    summary: 'read this node and send it to a server, or serve its own /metrics',
    load: async () => (await import('./agent.ts')).agentCommand('agent'),
  },
  sample: {
    summary: 'print what one agent reads here, no server needed',
    load: async () => (await import('./agent.ts')).agentCommand('sample'),
  },
  doctor: {
    summary: 'what can be read on this node, what is in the way, and what clears it',
    load: async () => (await import('./agent.ts')).agentCommand('doctor'),
  },
  fabric: {
    summary: 'what is wrong with the InfiniBand fabric that this host can see, no server needed',
    load: async () => (await import('./fabric.ts')).runFabric,
  },
  why: {
    summary: 'what a GPU, node, job or the whole fleet waits for, and the evidence',
    load: async () => (await import('./why.ts')).runWhy,
  },
  query: {
    summary: 'readings of one metric over time, from the history of a server',
    load: async () => (await import('./query.ts')).runQuery,
  },
  replay: {
    summary: 'judge recorded series, no server needed',
    load: async () => (await import('./replay.ts')).runReplay,
  },
  bench: {
    summary: 'how often the judge is right, on simulated episodes whose cause is known',
    load: async () => (await import('./bench.ts')).runBench,
  },
  demo: {
    summary: 'a simulated cluster in the same page',
    load: async () => (await import('./demo.ts')).runDemo,
  },
  config: {
    summary: 'print or validate the configuration of the server',
    load: async () => (await import('./config.ts')).runConfig,
  },
  version: {
    summary: 'what this program is',
    load: async () => (await import('./version.ts')).runVersion,
  },
  help: {
    summary: 'this list, or the flags of one command',
    load: async () => (await import('./help.ts')).helpOn(commands),
  },
};

const aliases = new Map([
  ['--help', 'help'],
  ['-h', 'help'],
  ['--version', 'version'],
  ['-V', 'version'],
]);
const byName = new Map(Object.entries(commands));

export function findCommand(name: string): Command | undefined {
  const entry = byName.get(aliases.get(name) ?? name);
  return entry && (async (args) => (await entry.load())(args));
}
