// The vocabulary of verdicts: every GPU-millisecond is in exactly one leaf class. The same words in code, page, CLI and metrics.

export const owners = ['user', 'service', 'platform', 'hardware', 'scheduler', 'ops', 'unknown'] as const;
export type Owner = (typeof owners)[number];

/** How a state looks: six hues, and outline or hatch for the rest. */
export type Hue = 'productive' | 'starved' | 'held' | 'throttled' | 'fault' | 'phase' | 'free' | 'unobserved';

interface LeafDetails {
  readonly hue: Hue;
  /** One letter beside the hue, never hue alone. */
  readonly glyph: string;
  readonly title: string;
  readonly owner: Owner;
}

const leaf = (hue: Hue, glyph: string, title: string, owner: Owner): LeafDetails => ({ hue, glyph, title, owner });

export const leaves = {
  'productive.compute': leaf('productive', '', 'productive', 'user'),
  'productive.memory': leaf('productive', '', 'productive, memory-bound', 'user'),
  'starved.storage': leaf('starved', 'S', 'waits for storage', 'platform'),
  'starved.storage_local': leaf('starved', 'S', 'waits for a local drive', 'platform'),
  'starved.storage_network': leaf('starved', 'S', 'waits for shared storage', 'platform'),
  'starved.cpu': leaf('starved', 'C', 'waits for CPU', 'user'),
  'starved.workers': leaf('starved', 'C', 'too few loader workers', 'user'),
  'starved.h2d': leaf('starved', 'P', 'waits for host-to-GPU copies', 'user'),
  'starved.unknown': leaf('starved', '?', 'starved, cause unknown', 'unknown'),
  'comm.nvlink': leaf('starved', 'N', 'waits for NVLink', 'platform'),
  'comm.ib': leaf('starved', 'I', 'waits for InfiniBand', 'platform'),
  'comm.straggler': leaf('starved', 'L', 'waits for a straggler', 'unknown'),
  'comm.imbalance': leaf('starved', 'L', 'uneven work between ranks', 'user'),
  'comm.hang': leaf('starved', 'L', 'hangs in communication', 'user'),
  'held.no_process': leaf('held', 'E', 'allocated, no process', 'user'),
  'held.idle': leaf('held', 'H', 'held idle', 'user'),
  'phase.startup': leaf('phase', '⋯', 'starting up', 'user'),
  'phase.checkpoint': leaf('phase', '⋯', 'writes a checkpoint', 'user'),
  'phase.eval': leaf('phase', '⋯', 'between epochs', 'user'),
  'slowed.power': leaf('throttled', 'T', 'slowed by its power cap', 'platform'),
  'slowed.thermal': leaf('throttled', 'T', 'slowed by heat', 'hardware'),
  'slowed.clock': leaf('throttled', 'T', 'clocks locked low', 'platform'),
  'slowed.link': leaf('throttled', 'P', 'slowed by a degraded link', 'hardware'),
  'out.fault': leaf('fault', '✕', 'broken', 'hardware'),
  'out.planned': leaf('free', '', 'out of service as planned', 'ops'),
  'free.no_demand': leaf('free', '', 'free', 'scheduler'),
  'free.stranded': leaf('free', '', 'free, but no job fits', 'scheduler'),
  'service.low_demand': leaf('held', 'D', 'serves little demand', 'service'),
  unobserved: leaf('unobserved', '', 'not observed', 'unknown'),
} as const satisfies Record<string, LeafDetails>;

export type LeafClass = keyof typeof leaves;

const isLeaf = (text: string): text is LeafClass => Object.hasOwn(leaves, text);
/** Leaf classes in their fixed order; a class's index here is its number in live frames. */
export const leafClasses: readonly LeafClass[] = Object.keys(leaves).filter(isLeaf);

/** Segments of the loss bar in their fixed order: a cause at 0 stays, hollow. */
export interface LossSegment {
  readonly key: string;
  readonly title: string;
  readonly glyph: string;
  readonly hue: Hue;
  readonly classes: readonly LeafClass[];
  /** lost = somebody should act; expected = phases, free and service; unobserved = nobody saw it. */
  readonly side: 'lost' | 'expected' | 'unobserved';
}

export const lossSegments: readonly LossSegment[] = [
  {
    key: 'storage',
    title: 'storage',
    glyph: 'S',
    hue: 'starved',
    side: 'lost',
    classes: ['starved.storage', 'starved.storage_local', 'starved.storage_network'],
  },
  {
    key: 'cpu',
    title: 'CPU, loader',
    glyph: 'C',
    hue: 'starved',
    side: 'lost',
    classes: ['starved.cpu', 'starved.workers'],
  },
  { key: 'pcie', title: 'PCIe', glyph: 'P', hue: 'starved', side: 'lost', classes: ['starved.h2d', 'slowed.link'] },
  { key: 'nvlink', title: 'NVLink', glyph: 'N', hue: 'starved', side: 'lost', classes: ['comm.nvlink'] },
  { key: 'ib', title: 'InfiniBand', glyph: 'I', hue: 'starved', side: 'lost', classes: ['comm.ib'] },
  {
    key: 'straggler',
    title: 'straggler',
    glyph: 'L',
    hue: 'starved',
    side: 'lost',
    classes: ['comm.straggler', 'comm.imbalance', 'comm.hang'],
  },
  {
    key: 'throttle',
    title: 'throttle',
    glyph: 'T',
    hue: 'throttled',
    side: 'lost',
    classes: ['slowed.power', 'slowed.thermal', 'slowed.clock'],
  },
  { key: 'held', title: 'held idle', glyph: 'H', hue: 'held', side: 'lost', classes: ['held.idle'] },
  { key: 'empty', title: 'empty', glyph: 'E', hue: 'held', side: 'lost', classes: ['held.no_process'] },
  { key: 'fault', title: 'fault', glyph: '✕', hue: 'fault', side: 'lost', classes: ['out.fault'] },
  { key: 'unknown', title: 'unexplained', glyph: '?', hue: 'starved', side: 'lost', classes: ['starved.unknown'] },
  {
    key: 'phase',
    title: 'phase',
    glyph: '⋯',
    hue: 'phase',
    side: 'expected',
    classes: ['phase.startup', 'phase.checkpoint', 'phase.eval'],
  },
  { key: 'service', title: 'low demand', glyph: 'D', hue: 'held', side: 'expected', classes: ['service.low_demand'] },
  {
    key: 'free',
    title: 'free',
    glyph: '',
    hue: 'free',
    side: 'expected',
    classes: ['free.no_demand', 'free.stranded', 'out.planned'],
  },
  {
    key: 'unobserved',
    title: 'not observed',
    glyph: '',
    hue: 'unobserved',
    side: 'unobserved',
    classes: ['unobserved'],
  },
];
