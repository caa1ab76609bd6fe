// Generates the C header of the state file and the list of exports from the simulator's layout: offsets are written once.
import type { Layout } from '../../../agent/simulator/render/binary-layout.ts';
import { nvmlFunctions } from '../../../agent/simulator/render/nvml-functions.ts';
import {
  NVML_LAYOUT_VERSION,
  NVML_MAGIC,
  nvmlLimits,
  nvmlStateLayout,
} from '../../../agent/simulator/render/nvml-layout.ts';

type StructLayout = Extract<Layout, { readonly kind: 'struct' }>;

/** Every structure with a check that the compiler lays it out as the writer does. */
export function renderHeader(): string {
  return [
    '#pragma once',
    '#include <stddef.h>',
    '#include <stdint.h>',
    `#define LAYOUT_MAGIC ${NVML_MAGIC}u`,
    `#define LAYOUT_VERSION ${NVML_LAYOUT_VERSION}u`,
    `enum { MAX_GPUS = ${nvmlLimits.gpus}, MAX_LINKS = ${nvmlLimits.links}, MAX_GPM = ${nvmlLimits.gpm} };`,
    '#define ABSENT_U32 0xffffffffu',
    '#define ABSENT_I32 INT32_MIN',
    '#define ABSENT_U64 UINT64_MAX',
    `enum function { ${nvmlFunctions.map((name) => `FN_${name}`).join(', ')} };`,
    'struct counter { double from; double perSecond; };',
    ...structsBelow(nvmlStateLayout).map(renderStruct),
    '',
  ].join('\n');
}

/** The linker's list of what can be seen from outside. */
export function renderExports(leaveOut: readonly string[]): string {
  const names = nvmlFunctions.filter((name) => !leaveOut.includes(name));
  return `{ global: ${names.map((name) => `${name};`).join(' ')} local: *; };\n`;
}

/** Inner ones first, each once. */
function structsBelow(layout: Layout): readonly StructLayout[] {
  switch (layout.kind) {
    case 'array':
      return structsBelow(layout.of);
    case 'struct':
      return [...new Set([...Object.values(layout.fields).flatMap(structsBelow), layout])];
    case 'u32':
    case 'i32':
    case 'u64':
    case 'text':
    case 'counter':
      return [];
  }
}

function renderStruct({ name, fields, offsets, size }: StructLayout): string {
  const members = Object.entries(fields).map(([field, layout]) => `  ${declare(layout, field)};`);
  const checks = Object.keys(fields).map((field) =>
    isTrue(`offsetof(struct ${name}, ${field}) == ${offsets[field] ?? -1}`),
  );
  return [`struct ${name} {`, ...members, '};', ...checks, isTrue(`sizeof(struct ${name}) == ${size}`)].join('\n');
}

function declare(layout: Layout, name: string): string {
  switch (layout.kind) {
    case 'u32':
      return `uint32_t ${name}`;
    case 'i32':
      return `int32_t ${name}`;
    case 'u64':
      return `uint64_t ${name}`;
    case 'text':
      return `char ${name}[${layout.size}]`;
    case 'counter':
      return `struct counter ${name}`;
    case 'array':
      return `${declare(layout.of, name)}[${layout.count}]`;
    case 'struct':
      return `struct ${layout.name} ${name}`;
  }
}

function isTrue(condition: string): string {
  return `_Static_assert(${condition}, "${condition}");`;
}
