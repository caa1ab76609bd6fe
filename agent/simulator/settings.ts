// Settings of the simulated cluster: environment < flag.
import {
  durationMs,
  flagSwitch,
  positiveInteger,
  renderFlags,
  resolveSettings,
  UsageError,
  type Settings,
  type SettingSources,
  type ValuesOf,
} from '#agent/contract';
import * as v from 'valibot';
import { MAX_NODES } from './hardware.ts';

const simulateSettings = {
  'simulate.server': {
    schema: v.pipe(v.string(), v.url('expected a URL, for example http://127.0.0.1:8420')),
    default: undefined,
    flag: 'server',
    argument: 'URL',
    help: 'the server the simulated agents report to',
  },
  'simulate.seed': {
    schema: positiveInteger,
    default: 1,
    defaultText: '1',
    flag: 'seed',
    argument: 'N',
    help: 'the same seed gives the same cluster and jobs',
  },
  'simulate.nodes': {
    schema: v.pipe(positiveInteger, v.maxValue(MAX_NODES, `expected at most ${MAX_NODES}`)),
    default: MAX_NODES,
    defaultText: String(MAX_NODES),
    flag: 'nodes',
    argument: 'N',
    help: 'only the first nodes of the cluster',
  },
  'simulate.interval': {
    schema: v.pipe(durationMs, v.minValue(100, 'expected at least 100ms')),
    default: 1000,
    defaultText: '1s',
    flag: 'interval',
    argument: 'TIME',
    help: 'how often the nodes change and are read',
  },
  'simulate.faults': {
    schema: flagSwitch,
    default: true,
    defaultText: 'on',
    flag: 'faults',
    help: 'a GPU falls off its bus, the memory of one wears out, jobs end with an Xid; --faults=false for none',
  },
  'simulate.fault': {
    schema: v.pipe(v.string(), v.minLength(1)),
    default: undefined,
    flag: 'fault',
    argument: 'KIND@TARGET,…',
    help: 'what is to go wrong, for example storage@node07,thermal@node03/gpu5',
  },
  'simulate.slurm': {
    schema: v.pipe(v.string(), v.minLength(1)),
    default: undefined,
    flag: 'slurm',
    argument: 'DIR',
    help: 'where the stand-in for scontrol reads what the queue is',
  },
  'simulate.dir': {
    schema: v.pipe(v.string(), v.minLength(1)),
    default: undefined,
    defaultText: 'in memory where there is room',
    flag: 'dir',
    argument: 'DIR',
    help: 'where the files of the nodes are; removed at the end',
  },
} as const satisfies Settings;

export type SimulateConfig = ValuesOf<typeof simulateSettings> & { readonly 'simulate.server': string };

export function resolveSimulateConfig(args: readonly string[], env: SettingSources['env']): SimulateConfig {
  const { values, positionals } = resolveSettings(simulateSettings, { args, env });
  if (positionals.length > 0) throw new UsageError(`simulate takes no ${positionals.join(' ')}`);
  const { 'simulate.server': server } = values;
  if (server === undefined) throw new UsageError('simulate needs --server URL');
  return { ...values, 'simulate.server': server };
}

export function renderSimulateHelp(): string {
  return `Usage: simulate --server URL [FLAGS]\n\nA simulated cluster of ${MAX_NODES} nodes, read by real agents.\n\n${renderFlags(simulateSettings)}\n`;
}
