// An incident in a few sentences: who waits, for what, by which figures, what it costs and what would help. Pure.
import { causes, type Cause, type Incident, type IncidentFigure } from '#server/contract';

type Told = Omit<Incident, 'text' | 'title'>;

const against = { before: 'before', peers: 'its peers', ceiling: 'of', limit: 'limit' } as const;

export function explain(incident: Told): string {
  const { cause, culprit } = incident;
  const sentences = [
    `${whoOf(incident)} ${verbOf(incident)} since ${clockOf(incident.since_ms)}.`,
    ...(culprit ? [culpritSentence(incident)] : []),
    evidenceSentence(incident.evidence),
    costSentence(incident),
    causes[cause].advice,
  ];
  return sentences.filter((sentence) => sentence !== '').join(' ');
}

export function whoOf({ gpus, nodes, job_id }: Pick<Told, 'gpus' | 'nodes' | 'job_id'>): string {
  const [first] = gpus;
  const where = nodes.length === 1 ? ` on ${nodes[0] ?? ''}` : ` on ${nodes.length} nodes`;
  const of = job_id === null ? '' : ` of job ${job_id}`;
  return gpus.length === 1 && first ? `GPU ${first.gpu}${of}${where}` : `${gpus.length} GPUs${of}${where}`;
}

/** What is said of one GPU, and of several. */
const verbs: Partial<Readonly<Record<Cause, readonly [one: string, several: string]>>> = {
  'cpu.too_few_workers': ['has too few loader workers', 'have too few loader workers'],
  rail_imbalance: ['uses its InfiniBand rails unevenly', 'use their InfiniBand rails unevenly'],
  imbalance: ['waits for ranks with more work', 'wait for ranks with more work'],
  clocks_locked: ['runs with clocks locked low', 'run with clocks locked low'],
  'held.no_process': ['is allocated and has no process', 'are allocated and have no process'],
  unknown: ['is starved, nobody knows by what,', 'are starved, nobody knows by what,'],
};

function verbOf({ cause, gpus }: Told): string {
  const one = gpus.length === 1;
  const verb = verbs[cause];
  if (verb) return one ? verb[0] : verb[1];
  const { title } = causes[cause];
  const [, stem, rest] = /^(waits|hangs)\b(.*)$/.exec(title) ?? [];
  if (stem === undefined || rest === undefined) return `${one ? 'is' : 'are'} ${title}`;
  return `${one ? stem : stem.slice(0, -1)}${rest}`;
}

function culpritSentence({ culprit }: Told): string {
  if (!culprit) return '';
  const { node, gpu, device, cause } = culprit;
  const what = [node, device ?? (gpu === null ? '' : `GPU ${gpu}`)].filter((part) => part !== '').join(' ');
  return cause === null ? `They wait for ${what}.` : `The culprit is ${what}: ${causes[cause].title}.`;
}

function evidenceSentence(evidence: readonly IncidentFigure[]): string {
  const told = evidence.slice(0, 3).map(({ title, text, against: other }) => {
    const beside = other ? ` (${other.kind === 'ceiling' ? 'of' : against[other.kind]} ${other.text})` : '';
    return `${title} ${text}${beside}`;
  });
  return told.length === 0 ? '' : `${capital(told.join(', '))}.`;
}

function costSentence({ loss_ratio, predicted_speedup, next_limit, gpus }: Told): string {
  if (loss_ratio < 0.01) return '';
  const lost = `${Math.round(loss_ratio * 100)} % of ${gpus.length === 1 ? 'its' : 'their'} time is lost`;
  if (predicted_speedup < 1.05 || loss_ratio > 0.97) return `${lost}.`;
  const then = next_limit === null ? '' : `; then ${next_limit} is the limit`;
  return `${lost}; without it ${predicted_speedup.toFixed(1)} times as fast${then}.`;
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** UTC, so that it means the same everywhere. */
function clockOf(ms: number): string {
  return `${new Date(ms).toISOString().slice(11, 16)} UTC`;
}
