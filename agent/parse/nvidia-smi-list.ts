// `nvidia-smi -L`: GPUs, and below each its MIG instances, with their UUIDs. nvidia-smi(1).

/** The UUID of the GPU by that of each of its instances. */
export function parseMigParents(text: string): ReadonlyMap<string, string> {
  const parents = new Map<string, string>();
  let gpu: string | undefined;
  for (const line of text.split('\n')) {
    const [, space = '', uuid] = /^(\s*)\S.*\(UUID: ((?:GPU|MIG)-[\w/-]+)\)\s*$/.exec(line) ?? [];
    if (uuid === undefined) continue;
    if (space === '' && uuid.startsWith('GPU-')) gpu = uuid;
    else if (gpu !== undefined) parents.set(uuid, gpu);
  }
  return parents;
}
