// The architecture's name from the compute capability. CUDA C++ Programming Guide, compute capabilities.

const architectures = new Map([
  ['3', 'Kepler'],
  ['5', 'Maxwell'],
  ['6', 'Pascal'],
  ['7', 'Volta'],
  ['7.5', 'Turing'],
  ['8', 'Ampere'],
  ['8.9', 'Ada'],
  ['9', 'Hopper'],
  ['10', 'Blackwell'],
  ['11', 'Blackwell'],
  ['12', 'Blackwell'],
]);

/** Empty if it is not known. */
export function architectureOf(computeCapability: string): string {
  const [major = ''] = computeCapability.split('.');
  return architectures.get(computeCapability) ?? architectures.get(major) ?? '';
}
