// XML as nvidia-smi writes it: an element a line, indented by tabs. Nothing here needs escaping: names and numbers only.

/** By name, in their order; no name comes twice below one parent. */
export interface Elements {
  readonly [name: string]: string | Elements;
}

/** A text as the GPU gives it: a lost one gives another. */
export type Read = (text: string) => string;

export const NONE = 'N/A';

export function renderElements(elements: Elements, depth: number): string {
  const indent = '\t'.repeat(depth);
  return Object.entries(elements)
    .map(([name, content]) =>
      typeof content === 'string'
        ? `${indent}<${name}>${content}</${name}>\n`
        : `${indent}<${name}>\n${renderElements(content, depth + 1)}${indent}</${name}>\n`,
    )
    .join('');
}
