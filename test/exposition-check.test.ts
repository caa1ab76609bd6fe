// The check of metrics pages finds what it is there to find.
import { describe, expect, test } from 'vitest';
import { checkExposition } from './exposition-check.ts';

const good =
  '# HELP a_total Help\n# TYPE a_total counter\na_total{x="1"} 1\na_total{x="2"} 2.5\n# HELP b B\n# TYPE b gauge\nb 3\n';

test('a right page has no problem', () => {
  expect(checkExposition(good)).toEqual([]);
  expect(checkExposition('# HELP a Help\n# TYPE a counter\na_total{x="1"} 1\n# EOF\n')).toEqual([]);
});

describe('is found', () => {
  test.each([
    ['a series twice', `${good}b 4\n`, /a series twice: b/],
    [
      'a series twice with its labels in another order',
      '# HELP a A\n# TYPE a gauge\na{x="1",y="2"} 1\na{y="2",x="1"} 1\n',
      /a series twice/,
    ],
    [
      'a family in two places',
      `${good}# HELP a_total Help\n# TYPE a_total counter\na_total{x="3"} 1\n`,
      /in two places/,
    ],
    ['a sample of another family', `${good}c 1\n`, /c stands in the family b/],
    ['a family without samples', `${good}# HELP c C\n# TYPE c gauge\n`, /no sample/],
    ['a label that is not escaped', '# HELP a A\n# TYPE a gauge\na{x="1"2"} 1\n', /not a sample/],
    ['a value that is none', '# HELP a A\n# TYPE a gauge\na undefined\n', /not a value/],
    ['a missing end of line', good.slice(0, -1), /no end/],
    ['a counter family named _total in OpenMetrics', `${good}# EOF\n`, /OpenMetrics counter family/],
  ])('%s', (_name, text, problem) => {
    expect(checkExposition(text).join('\n')).toMatch(problem);
  });
});
