// `whyidle doctor`: what this node can be read for, what is in the way, and the command that clears it.
import { collectors } from './collectors/index.ts';
import type { DoctorConfig, Environment } from './config.ts';
import { judgeAbilities } from './doctor/capabilities.ts';
import { examineNode } from './doctor/examine.ts';
import { needsSomebody } from './doctor/finding.ts';
import { judgeNode } from './doctor/judge.ts';
import { hasGpus } from './doctor/judge-gpu.ts';
import { renderDocument, renderText, type Report } from './doctor/report.ts';
import { readNodeName } from './identity.ts';
import { Tree } from './sources/tree.ts';

export interface DoctorOutput {
  readonly write: (text: string) => void;
  readonly env: Environment;
  readonly isTerminal: boolean;
}

/** Gives the exit code: 0 where there is nothing to do, 1 where there is. */
export async function runDoctor(config: DoctorConfig, { write, env, isTerminal }: DoctorOutput): Promise<number> {
  const tree = new Tree(config['agent.root']);
  const node = readNodeName(tree);
  const facts = await examineNode({
    ...{ tree, collectors, gpuSources: config.gpuSources, infiniband: config.infiniband, env },
  });
  tree.close();
  const report: Report = {
    node,
    time: new Date().toISOString(),
    findings: judgeNode(facts),
    abilities: hasGpus(facts) ? judgeAbilities(facts.metrics) : [],
  };
  const inColour = isTerminal && (env['NO_COLOR'] ?? '') === '';
  write(
    config['doctor.json'] ? `${JSON.stringify(renderDocument(report), undefined, 2)}\n` : renderText(report, inColour),
  );
  return report.findings.some(needsSomebody) ? 1 : 0;
}
