// The text of the rule file and of its promtool tests.
import { stringify } from 'yaml';
import { healthRuleCases } from './health-rule-tests.ts';
import { ruleCases } from './rule-tests.ts';
import { alertRules, recordingRules } from './rules.ts';

export function renderRules(): string {
  const groups = [
    { name: 'whyidle.rules', rules: recordingRules },
    { name: 'whyidle.alerts', rules: alertRules },
  ];
  return `# Made by npm run generate. runbook_url: put the place where you serve docs/runbooks there.\n${toYaml({ groups })}`;
}

export function renderRuleTests(rulesFile: string): string {
  const tests = { rule_files: [rulesFile], evaluation_interval: '1m', tests: [...ruleCases, ...healthRuleCases] };
  return `# Made by npm run generate. Run: promtool test rules FILE\n${toYaml(tests)}`;
}

function toYaml(value: unknown): string {
  return stringify(value, { lineWidth: 0, aliasDuplicateObjects: false });
}
