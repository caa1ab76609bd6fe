// `npm run generate`: writes dashboards, rules and docs/metrics.md. With --check it writes nothing and fails where a file
// is not what it would write.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { format, resolveConfig } from 'prettier';
import { renderDashboard } from './dashboard.ts';
import { fleet } from './fleet.ts';
import { renderMetricsPage } from './metrics-page.ts';
import { renderRules, renderRuleTests } from './rule-files.ts';

const project = fileURLToPath(new URL('..', import.meta.url));
const check = process.argv.includes('--check');

const files: Readonly<Record<string, string>> = {
  'dashboards/grafana/whyidle-fleet.json': renderDashboard(
    'whyidle-fleet',
    'Fleet',
    'What every GPU of the fleet does, where the GPU-hours went, and what storage, fabric and hosts did meanwhile.',
    fleet,
  ),
  'dashboards/prometheus/whyidle-rules.yml': renderRules(),
  'dashboards/prometheus/whyidle-rules.test.yml': renderRuleTests('whyidle-rules.yml'),
  'docs/metrics.md': await formatMarkdown(renderMetricsPage()),
};

for (const [path, text] of Object.entries(files)) {
  if (check) compare(path, text);
  else write(path, text);
}

function write(path: string, text: string): void {
  mkdirSync(dirname(join(project, path)), { recursive: true });
  writeFileSync(join(project, path), text);
  console.error(`wrote ${path}`);
}

function compare(path: string, text: string): void {
  const found = read(path)?.split('\n');
  const wanted = text.split('\n');
  const line = found ? wanted.findIndex((one, index) => one !== found[index]) : 0;
  if (found?.length === wanted.length && line === -1) return;
  const at = line === -1 ? wanted.length : line;
  console.error(`${path} is not current: run npm run generate. First difference in line ${at + 1}:
- ${found?.[at] ?? '(missing)'}
+ ${wanted[at] ?? '(ends here)'}`);
  process.exitCode = 1;
}

function read(path: string): string | undefined {
  try {
    return readFileSync(join(project, path), 'utf8');
  } catch {
    return undefined; // not there yet, so not current
  }
}

/** The formatter's own shape, so that the format check and this generator agree. */
async function formatMarkdown(text: string): Promise<string> {
  return format(text, { ...(await resolveConfig(join(project, 'docs/metrics.md'))), parser: 'markdown' });
}
