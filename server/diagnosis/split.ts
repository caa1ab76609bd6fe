// How one slot of a GPU is booked: whole milliseconds per leaf class and owner, which add up to the slot exactly. detection.md §5.
import { causes, type LeafClass, type Owner } from '#server/contract';
import type { GpuJudgement } from './judge.ts';

export interface Share {
  readonly class: LeafClass;
  readonly owner: Owner;
  readonly ms: number;
}

/** What did not arrive of a slot was not observed; a few missing seconds are as the others. */
const SEEN_WHOLE = 0.3;

export function splitSlot(judgement: GpuJudgement, ms: number): readonly Share[] {
  const { verdict, seen } = judgement;
  const observed = seen >= SEEN_WHOLE ? ms : Math.round(ms * seen);
  const rest: Share = { class: 'unobserved', owner: 'unknown', ms: ms - observed };
  const worked = Math.round(observed * workedShare(judgement));
  const work: Share = {
    class: judgement.memoryBound ? 'productive.memory' : 'productive.compute',
    owner: 'user',
    ms: worked,
  };
  const lost: Share = { class: verdict.class, owner: verdict.owner, ms: observed - worked };
  return [work, lost, rest].filter((share) => share.ms > 0);
}

/** Share of the slot in work: whole where nothing is lost, none where nobody worked. */
function workedShare({ verdict, slotEffective }: GpuJudgement): number {
  const { family } = familyOf(verdict.class);
  switch (family) {
    case 'productive':
      return 1;
    case 'slowed':
      return bounded((Number.isNaN(slotEffective) ? 1 : slotEffective) * (1 - verdict.loss));
    case 'starved':
    case 'comm':
    case 'phase':
    case 'service':
      return bounded(Number.isNaN(slotEffective) ? 1 - verdict.loss : slotEffective);
    default:
      return 0;
  }
}

export function familyOf(leaf: LeafClass): { readonly family: string } {
  return { family: leaf.split('.')[0] ?? leaf };
}

/** What is not known is not counted as work. */
function bounded(share: number): number {
  return Number.isNaN(share) ? 0 : Math.min(1, Math.max(0, share));
}

/** Whether a cause says that the GPU works as well as it can be asked to. */
export function isProductive(cause: keyof typeof causes): boolean {
  return causes[cause].class.startsWith('productive');
}
