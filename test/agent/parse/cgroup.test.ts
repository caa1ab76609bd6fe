// Whose a cgroup is: paths of Slurm 22.05 to 26.05, kubelet, container runtimes, systemd; and files that are cut.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  jobOfDirectory,
  ownerOfCgroupPath,
  ownerOfCgroups,
  parseCgroupFile,
  type CgroupOwner,
} from '../../../agent/parse/cgroup.ts';
import { ParseError } from '../../../agent/parse/parse-error.ts';

const CID = 'b0f2a7'.padEnd(64, '4');
const POD = '0d1e2f30-1122-4433-8899-aabbccddeeff';
type Slurm = Extract<CgroupOwner, { kind: 'slurm' }>;
const slurm = (parts: Partial<Slurm>): CgroupOwner => ({
  ...{ kind: 'slurm', jobId: undefined, sluid: undefined, step: undefined, node: undefined, uid: undefined },
  ...parts,
});

const table: readonly (readonly [string, CgroupOwner])[] = [
  ['/slurm/uid_1000/job_42', slurm({ uid: 1000, jobId: '42' })],
  ['/slurm/uid_1000/job_42/step_0/task_3', slurm({ uid: 1000, jobId: '42', step: '0' })],
  ['/slurm_hgx01/uid_2001/job_2/step_batch', slurm({ node: 'hgx01', uid: 2001, jobId: '2', step: 'batch' })],
  ['/slurm_gpu_a-7/uid_0/job_9/step_extern', slurm({ node: 'gpu_a-7', uid: 0, jobId: '9', step: 'extern' })],
  ['/system.slice/slurmstepd.scope/job_4/step_0/user/task_0', slurm({ jobId: '4', step: '0' })],
  ['/system.slice/hgx02_slurmstepd.scope/job_2/step_0/slurm', slurm({ node: 'hgx02', jobId: '2', step: '0' })],
  ['/system.slice/slurmstepd.scope/sEKNKTV3WPV500/step_0/user/task_0', slurm({ sluid: 'sEKNKTV3WPV500', step: '0' })],
  ['/system.slice/hgx01_slurmstepd.scope/sEKNKTV3WPV500', slurm({ node: 'hgx01', sluid: 'sEKNKTV3WPV500' })],
  // Crockford's alphabet has no I, L, O, U.
  ['/system.slice/slurmstepd.scope/sEKNKTV3WPV5OO', { kind: 'none' }],
  ['/system.slice/slurmstepd.scope/system', { kind: 'none' }],
  ['/system.slice/slurmstepd.scope/job_4x', { kind: 'none' }],
  ['/slurm/uid_1000', { kind: 'none' }],
  ['/notslurm/uid_1/job_2', { kind: 'none' }],
  [`/kubepods/burstable/pod${POD}/${CID}`, { kind: 'kubernetes', podUid: POD, containerId: CID }],
  [`/kubepods/pod${POD}`, { kind: 'kubernetes', podUid: POD, containerId: undefined }],
  [
    `/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod${POD.replaceAll('-', '_')}.slice/cri-containerd-${CID}.scope`,
    { kind: 'kubernetes', podUid: POD, containerId: CID },
  ],
  [
    `/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-pod${POD.replaceAll('-', '_')}.slice/crio-${CID}.scope`,
    { kind: 'kubernetes', podUid: POD, containerId: CID },
  ],
  // A static pod's uid is a hash without dashes.
  [`/kubepods/pod${'ab'.repeat(16)}/${CID}`, { kind: 'kubernetes', podUid: 'ab'.repeat(16), containerId: CID }],
  [`/docker/${CID}`, { kind: 'container', runtime: 'docker', containerId: CID }],
  [`/system.slice/docker-${CID}.scope`, { kind: 'container', runtime: 'docker', containerId: CID }],
  [`/machine.slice/libpod-${CID}.scope/container`, { kind: 'container', runtime: 'podman', containerId: CID }],
  [`/system.slice/cri-containerd-${CID}.scope`, { kind: 'container', runtime: 'containerd', containerId: CID }],
  [`/system.slice/nerdctl-${CID}.scope`, { kind: 'container', runtime: 'containerd', containerId: CID }],
  [
    `/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-${CID}.scope`,
    { kind: 'container', runtime: 'podman', containerId: CID },
  ],
  ['/user.slice/user-1000.slice/session-3.scope', { kind: 'user', uid: 1000 }],
  ['/system.slice/docker.service', { kind: 'none' }],
  ['/docker/b0f2a7', { kind: 'none' }],
  ['/', { kind: 'none' }],
];

it.each(table)('%s', (path, owner) => {
  expect(ownerOfCgroupPath(path)).toEqual(owner);
});

describe('proc/PID/cgroup', () => {
  const v1 = [
    '6:freezer:/slurm/uid_1000/job_42/step_0',
    '4:memory:/slurm/uid_1000/job_42/step_0/task_0',
    '3:cpuset:/slurm/uid_1000/job_42',
    '2:cpu,cpuacct:/',
    '1:name=systemd:/system.slice/slurmd.service',
    '0::/user.slice/user-1000.slice/session-3.scope',
    '',
  ].join('\n');

  it('every hierarchy, and the path that says most', () => {
    const entries = parseCgroupFile(v1, 'f');
    expect(entries.map(({ hierarchy }) => hierarchy)).toEqual([6, 4, 3, 2, 1, 0]);
    expect(entries[3]).toEqual({ hierarchy: 2, controllers: ['cpu', 'cpuacct'], path: '/' });
    expect(ownerOfCgroups(entries)).toEqual(slurm({ uid: 1000, jobId: '42', step: '0' }));
    expect(ownerOfCgroups(entries.slice(2))).toEqual(slurm({ uid: 1000, jobId: '42' }));
    expect(ownerOfCgroups(entries.slice(5))).toEqual({ kind: 'user', uid: 1000 });
    expect(ownerOfCgroups([])).toEqual({ kind: 'none' });
  });

  it('a path with colons; a cgroup that was removed under its process', () => {
    expect(parseCgroupFile('0::/a:b/c (deleted)\n', 'f')).toEqual([{ hierarchy: 0, controllers: [], path: '/a:b/c' }]);
  });

  it.each(['', '\n', '0:\n', '0::\n', 'x::/\n', '0::relative\n'])('refuses %j', (text) => {
    expect(() => parseCgroupFile(text, 'f')).toThrow(ParseError);
  });

  it('line ends of another system change nothing', () => {
    expect(parseCgroupFile(v1.replaceAll('\n', '\r\n'), 'f')).toEqual(parseCgroupFile(v1, 'f'));
  });

  it('any text: entries or a ParseError', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.nat(v1.length).map((end) => v1.slice(0, end)),
        ),
        (text) => {
          try {
            for (const { path } of parseCgroupFile(text, 'f')) expect(path.startsWith('/')).toBe(true);
          } catch (error) {
            expect(error).toBeInstanceOf(ParseError);
          }
        },
      ),
    );
  });
});

it('names of job directories', () => {
  expect(
    ['job_8812', 'sEKNKTV3WPV500', 'job_', 'job_1a', 'system', 'slurmd', 'seknktv3wpv500'].map(jobOfDirectory),
  ).toEqual(['8812', 'sEKNKTV3WPV500', undefined, undefined, undefined, undefined, undefined]);
});
