// The section `infiniband` of the configuration: lists of patterns and of PATTERN=VALUE.
import { wordList, type Settings, type ValuesOf } from '#agent/contract';
import * as v from 'valibot';
import { parseAssignment, portRoleOf, tickBytesOf, type Assignment, type InfinibandSettings } from './settings.ts';

/** A bare number is a list of one. */
const words = v.union([
  wordList,
  v.pipe(
    v.number(),
    v.transform((value): readonly string[] => [String(value)]),
  ),
]);

function assignments<T>(valueOf: (text: string) => T | undefined, expected: string) {
  return v.pipe(
    words,
    v.rawTransform<readonly string[], readonly Assignment<T>[]>(({ dataset, addIssue, NEVER }) => {
      const parsed = dataset.value.map((word) => parseAssignment(word, valueOf));
      const known = parsed.filter((one) => one !== undefined);
      if (known.length === parsed.length) return known;
      addIssue({ message: expected });
      return NEVER;
    }),
  );
}

export const infinibandConfig = {
  'infiniband.include': {
    schema: wordList,
    default: [],
    defaultText: 'all',
    flag: 'infiniband-include',
    argument: 'PATTERN,…',
    help: 'InfiniBand devices to read, by name or PCI address; no file of another one is opened',
  },
  'infiniband.exclude': {
    schema: wordList,
    default: [],
    defaultText: 'none',
    flag: 'infiniband-exclude',
    argument: 'PATTERN,…',
    help: 'InfiniBand devices to leave alone',
  },
  'infiniband.roles': {
    schema: assignments(portRoleOf, 'expected PATTERN=ROLE with compute, storage, management or bridge'),
    default: [],
    help: 'what ports are for: mlx5_4=storage, mlx5_0/2=management',
  },
  'infiniband.tick_bytes': {
    schema: assignments(tickBytesOf, 'expected BYTES or PATTERN=BYTES, for example 8 or MT4119=128'),
    default: [],
    help: 'port time of one tick of the wait counter, by device or type, where it is known better than from the table',
  },
} as const satisfies Settings;

export function infinibandSettingsOf(values: ValuesOf<typeof infinibandConfig>): InfinibandSettings {
  return {
    include: values['infiniband.include'],
    exclude: values['infiniband.exclude'],
    roles: values['infiniband.roles'],
    tickBytes: values['infiniband.tick_bytes'],
  };
}
