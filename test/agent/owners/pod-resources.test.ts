// The kubelet is asked over a Unix socket, by gRPC.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { silentLog } from '../../../agent/log.ts';
import { PodResourcesError } from '../../../agent/owners/pod-error.ts';
import { listPodResources } from '../../../agent/owners/pod-resources.ts';
import { podsWithGpus, PodWatch } from '../../../agent/owners/pod-watch.ts';
import type { PodDevices } from '../../../agent/parse/pod-resources.ts';
import { ManualClock } from '../../doubles/manual-clock.ts';
import {
  answer,
  encodePods,
  framed,
  startKubelet,
  tells,
  type FakePod,
  type KubeletScript,
} from '../../doubles/pod-resources.ts';

const pods: readonly FakePod[] = [
  {
    namespace: 'ml',
    pod: 'train-0',
    containers: [{ name: 'main', devices: [{ resource: 'nvidia.com/gpu', ids: ['GPU-a', 'GPU-b'] }] }],
  },
];

let folder: string;
let kubelet: { close(): Promise<void> } | undefined;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'whyidle-kubelet-'));
});
afterEach(async () => {
  await kubelet?.close();
  kubelet = undefined;
  rmSync(folder, { recursive: true, force: true });
});

async function ask(script: KubeletScript, patienceMs?: number): Promise<readonly PodDevices[]> {
  const socket = join(folder, 'kubelet.sock');
  kubelet = await startKubelet(socket, script);
  return listPodResources(socket, patienceMs);
}

describe('a kubelet', () => {
  test('that tells', async () => {
    expect(await ask(tells(pods))).toEqual([
      { namespace: 'ml', pod: 'train-0', container: 'main', resource: 'nvidia.com/gpu', ids: ['GPU-a', 'GPU-b'] },
    ]);
  });

  test('of a thousand pods, in many pieces', async () => {
    const many = Array.from({ length: 1000 }, (_, at) => pods.map((pod) => ({ ...pod, pod: `train-${at}` }))).flat();
    expect(await ask(tells(many))).toHaveLength(1000);
  });

  test.each<[string, KubeletScript, RegExp]>([
    [
      'refuses',
      (stream) => {
        answer(stream, Buffer.alloc(0), '7', 'permission denied');
      },
      /refuses: permission denied/,
    ],
    [
      'sends nothing',
      (stream) => {
        answer(stream, Buffer.alloc(0), '0');
      },
      /no answer/,
    ],
    [
      'is cut off',
      (stream) => {
        answer(stream, framed(encodePods(pods)).subarray(0, 20), '0');
      },
      /cut off/,
    ],
    ['hangs', () => undefined, /in time/],
    [
      'dies',
      (stream) => {
        stream.session?.destroy();
      },
      /./,
    ],
  ])('that %s', async (_, script, reason) => {
    const failure = ask(script, 200);
    await expect(failure).rejects.toThrow(PodResourcesError);
    await expect(failure).rejects.toThrow(reason);
  });

  test('that is not there', async () => {
    await expect(listPodResources(join(folder, 'nobody.sock'))).rejects.toThrow(/cannot be asked/);
  });
});

describe('pods with GPUs', () => {
  const of = (resource: string, ...ids: string[]): PodDevices => ({
    namespace: 'n',
    pod: 'p',
    container: 'c',
    resource,
    ids,
  });

  test('shared parts are one GPU; network cards are none; AMD counts by PCI address', () => {
    expect(
      podsWithGpus([
        of('nvidia.com/gpu', 'GPU-a::0', 'GPU-a::1'),
        of('nvidia.com/mig-1g.5gb', 'MIG-1'),
        of('rdma/hca', '0000:3b:00.1'),
        of('amd.com/gpu', '0000:c1:00.0'),
        of('intel.com/sriov', '0000:3b:00.2'),
      ]).map(({ devices }) => devices),
    ).toEqual([['GPU-a'], ['MIG-1'], ['0000:c1:00.0']]);
  });
});

describe('the watch of pods', () => {
  test('a kubelet that restarts keeps its pods for a minute; one that is gone has none', async () => {
    const clock = new ManualClock();
    let result: () => readonly PodDevices[] = () => [
      { namespace: 'n', pod: 'p', container: 'c', resource: 'r', ids: ['GPU-a'] },
    ];
    let changes = 0;
    const settle = () => new Promise((resolve) => setImmediate(resolve));
    const watch = new PodWatch({
      list: () => Promise.resolve().then(() => result()),
      isThere: () => true,
      ...{ clock, log: silentLog },
      onChange: () => changes++,
    });
    expect(watch.pods).toBeUndefined();
    watch.start();
    await settle();
    expect(watch.pods).toHaveLength(1);
    result = () => {
      throw new PodResourcesError('down');
    };
    for (let round = 0; round < 5; round++) {
      await clock.advance(10_000);
    }
    expect(watch.pods).toHaveLength(1);
    for (let round = 0; round < 2; round++) {
      await clock.advance(10_000);
    }
    expect(watch.pods).toBeUndefined();
    expect(changes).toBe(1);
    watch.stop();
  });
});
