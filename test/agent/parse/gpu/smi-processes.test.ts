// nvidia-smi pmon, dmon's tables, and --query-compute-apps. Own texts.
import { describe, expect, it } from 'vitest';
import { parseColumnTable } from '../../../../agent/parse/gpu/column-table.ts';
import { parseComputeApps, parsePmon } from '../../../../agent/parse/gpu/smi-processes.ts';

const MIB = 1048576;
const pmon = `# gpu         pid   type     sm    mem    command
# Idx           #    C/G      %      %    name
    0      11345     C     99     10    gpu_burn
    0      11327   C+G      -      -    my prog
    1          -     -      -      -    -
`;

describe('tables', () => {
  it('has cells and units by column', () => {
    const { rows, units } = parseColumnTable(pmon);
    expect(rows.map((row) => row.get('command'))).toEqual(['gpu_burn', 'my prog', '-']);
    expect([units.get('sm'), units.get('gpu')]).toEqual(['%', 'Idx']);
  });

  it('follows a header that changes', () => {
    const { rows } = parseColumnTable('# gpu pwr\n# Idx W\n0 631\n# gpu sm pwr\n# Idx % W\n0 7 632\n');
    expect(rows.map((row) => row.get('pwr'))).toEqual(['631', '632']);
  });

  it('leaves out what is cut', () => {
    expect(parseColumnTable('# gpu pwr\n# Idx W\n0\n0 63').rows).toEqual([]);
    expect(parseColumnTable('0 631\n').rows).toEqual([]);
  });
});

describe('pmon', () => {
  it('has no share where there was no sample', () => {
    expect(parsePmon(pmon)).toEqual([
      { gpu: '0', pid: 11345, name: 'gpu_burn', kind: 'compute', smUtilization: 0.99 },
      { gpu: '0', pid: 11327, name: 'my prog', kind: 'compute', smUtilization: undefined },
    ]);
  });
});

describe('compute apps', () => {
  it('bears commas in names', () => {
    const apps = parseComputeApps(
      'gpu_uuid, pid, process_name, used_gpu_memory [MiB]\nGPU-a, 5, ./train, --lr=1, 2566 MiB\nGPU-a, 6, x, [N/A]\nGPU-b, 7, y, 0 MiB\nGPU-b, 8, z, 1',
    );
    expect([...apps.keys()]).toEqual(['GPU-a', 'GPU-b']);
    expect(apps.get('GPU-a')).toEqual([
      { pid: 5, name: './train, --lr=1', kind: 'compute', memoryBytes: 2566 * MIB },
      { pid: 6, name: 'x', kind: 'compute', memoryBytes: { kind: 'absent', reason: 'unsupported' } },
    ]);
    expect(apps.get('GPU-b')).toEqual([{ pid: 7, name: 'y', kind: 'compute', memoryBytes: 0 }]);
  });

  it('is empty without processes', () => {
    expect(parseComputeApps('gpu_uuid, pid, process_name, used_gpu_memory [MiB]\n').size).toBe(0);
    expect(parseComputeApps('').size).toBe(0);
    expect(parseComputeApps('No devices were found\n').size).toBe(0);
  });
});
