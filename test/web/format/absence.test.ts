// What is said of whole areas that are missing on a node.
import { expect, test } from 'vitest';
import { missingAreasText, toldMissing } from '../../../web/format/absence.ts';

test('what most nodes lack is no news, unless it cannot be read', () => {
  const missing = [
    { area: 'gpfs', reason: 'not_present' },
    { area: 'infiniband', reason: 'not_present' },
    { area: 'lustre', reason: 'forbidden' },
  ] as const;
  expect(toldMissing(missing).map(({ area }) => area)).toEqual(['infiniband', 'lustre']);
  expect(missingAreasText(missing)).toBe('not here: InfiniBand · needs permission: Lustre');
});
