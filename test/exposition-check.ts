// Reads a metrics page as strictly as the formats are written and names everything that is wrong with it. Prometheus
// swallows duplicate series without a word and promtool does not see them, so this is the check that does.
// https://prometheus.io/docs/instrumenting/exposition_formats/, https://prometheus.io/docs/specs/om/open_metrics_spec/

interface Page {
  readonly openMetrics: boolean;
  readonly problems: string[];
  readonly series: Set<string>;
  /** Families whose lines are over, and the one being read. */
  readonly finished: Set<string>;
  family: string;
  kind: string;
  hasHelp: boolean;
  samples: number;
}

const NAME = '[a-zA-Z_:][a-zA-Z0-9_:]*';
const LABEL = '[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\\\\n]|\\\\["\\\\n])*"';
const SAMPLE = new RegExp(`^(${NAME})(?:\\{((?:${LABEL}(?:,${LABEL})*)?)\\})? (\\S+)$`);
const VALUE = /^(?:[+-]?\d+(?:\.\d+)?(?:e[+-]?\d+)?|\+Inf|-Inf|NaN)$/;

export function checkExposition(text: string): string[] {
  const openMetrics = text.endsWith('# EOF\n');
  const page: Page = {
    openMetrics,
    problems: [],
    series: new Set(),
    finished: new Set(),
    family: '',
    kind: '',
    hasHelp: false,
    samples: 0,
  };
  if (!text.endsWith('\n')) page.problems.push('the last line has no end');
  for (const line of text.split('\n').slice(0, openMetrics ? -2 : -1)) checkLine(page, line);
  endFamily(page);
  return page.problems;
}

function checkLine(page: Page, line: string): void {
  if (line.startsWith('# HELP ')) checkHelp(page, line);
  else if (line.startsWith('# TYPE ')) checkType(page, line);
  else checkSample(page, line);
}

function checkHelp(page: Page, line: string): void {
  const [, name = '', help] = /^# HELP (\S+) (.+)$/.exec(line) ?? [];
  if (help === undefined) page.problems.push(`a family without help: ${line}`);
  endFamily(page);
  if (page.finished.has(name)) page.problems.push(`the family ${name} is in two places`);
  page.family = name;
  page.hasHelp = true;
}

function checkType(page: Page, line: string): void {
  const [, name = '', kind = ''] = /^# TYPE (\S+) (counter|gauge|histogram)$/.exec(line) ?? [];
  if (kind === '') page.problems.push(`an unknown type: ${line}`);
  if (name !== page.family || !page.hasHelp) page.problems.push(`the type of ${name} does not follow its help`);
  if (page.openMetrics && kind === 'counter' && name.endsWith('_total'))
    page.problems.push(`an OpenMetrics counter family named ${name}`);
  page.kind = kind;
}

function checkSample(page: Page, line: string): void {
  const [, name = '', labels = '', value = ''] = SAMPLE.exec(line) ?? [];
  if (name === '') {
    page.problems.push(`not a sample: ${JSON.stringify(line)}`);
    return;
  }
  const expected = page.openMetrics && page.kind === 'counter' ? `${page.family}_total` : page.family;
  const parts =
    page.kind === 'histogram' ? [`${page.family}_bucket`, `${page.family}_sum`, `${page.family}_count`] : [expected];
  if (!parts.includes(name)) page.problems.push(`${name} stands in the family ${page.family}`);
  if (!VALUE.test(value)) page.problems.push(`not a value: ${line}`);
  const names = [...labels.matchAll(/([a-zA-Z_][a-zA-Z0-9_]*)="(?:[^"\\]|\\.)*"/g)].map(([, label]) => label);
  if (new Set(names).size !== names.length) page.problems.push(`a label twice: ${line}`);
  const series = `${name}{${labels
    .split(/,(?=[a-zA-Z_][a-zA-Z0-9_]*=")/)
    .toSorted()
    .join(',')}}`;
  if (page.series.has(series)) page.problems.push(`a series twice: ${series}`);
  page.series.add(series);
  page.samples++;
}

function endFamily(page: Page): void {
  if (page.family !== '') {
    page.finished.add(page.family);
    if (page.samples === 0) page.problems.push(`the family ${page.family} has no sample`);
    if (page.kind === '') page.problems.push(`the family ${page.family} has no type`);
  }
  page.family = '';
  page.kind = '';
  page.hasHelp = false;
  page.samples = 0;
}
