// What the judge says of one GPU: the cause, whose it is, how sure, what it costs, and by which evidence.
import type { JobGpu } from '#agent/contract';
import { causes, type Cause, type Confidence, type LeafClass, type Owner } from '#server/contract';

/** One figure that speaks for a finding. */
export interface Evidence {
  /** The signal's name. */
  readonly signal: string;
  readonly value: number;
  /** The same figure while all was well, of peers, or what it can be at most: whichever the kind says. */
  readonly against?: { readonly kind: 'before' | 'peers' | 'ceiling' | 'limit'; readonly value: number };
}

/** What a rule found. */
export interface Finding {
  readonly cause: Cause;
  /** Share of the time that would be gained without it, 0–1; 0 where nothing is lost. */
  readonly loss: number;
  readonly confidence: Confidence;
  readonly evidence: readonly Evidence[];
  /** Where these differ from what the cause says. */
  readonly class?: LeafClass;
  readonly owner?: Owner;
  /** Who holds the others back. */
  readonly culprit?: Culprit;
}

export interface Culprit extends Partial<JobGpu> {
  readonly node: string;
  /** What holds the culprit itself back, if that is known. */
  readonly cause: Cause | undefined;
}

export interface Verdict extends Finding {
  readonly class: LeafClass;
  readonly owner: Owner;
  /** Effective duty, corrected for spinning; NaN where it is not known. */
  readonly effective: number;
  /** Further findings, the one that costs most first. */
  readonly also: readonly Finding[];
}

export function verdictOf(finding: Finding, effective: number, also: readonly Finding[] = []): Verdict {
  const { class: leaf, owner } = causes[finding.cause];
  return { ...finding, class: finding.class ?? leaf, owner: finding.owner ?? owner, effective, also };
}

export const nothingFound: Finding = { cause: 'none', loss: 0, confidence: 'high', evidence: [] };
export const unobserved: Verdict = verdictOf({ cause: 'unobserved', loss: 1, confidence: 'high', evidence: [] }, NaN);
