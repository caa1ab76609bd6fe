// The doctor's opinion of a node: facts in, findings out, one rule after another. Pure.
import type { NodeFacts } from './facts.ts';
import type { Finding } from './finding.ts';
import { judgeGpus } from './judge-gpu.ts';
import {
  judgeAgent,
  judgeInfiniband,
  judgeKernelLog,
  judgeMounts,
  judgeNvme,
  judgePressure,
  judgeProcesses,
} from './judge-node.ts';
import { judgeFabric, judgeProfiling } from './judge-profiling.ts';

/** In the order they are shown. */
const rules: readonly ((facts: NodeFacts) => readonly Finding[])[] = [
  judgeGpus,
  judgeProfiling,
  judgeFabric,
  judgeKernelLog,
  judgeInfiniband,
  judgeNvme,
  judgeMounts,
  judgePressure,
  judgeProcesses,
  judgeAgent,
];

export function judgeNode(facts: NodeFacts): readonly Finding[] {
  return rules.flatMap((rule) => rule(facts));
}
