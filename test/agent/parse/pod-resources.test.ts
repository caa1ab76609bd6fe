// The kubelet's protocol buffers, written by hand from api.proto.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ParseError } from '../../../agent/parse/parse-error.ts';
import { parsePodResources } from '../../../agent/parse/pod-resources.ts';
import { encodePods, field, number } from '../../doubles/pod-resources.ts';

const train = {
  namespace: 'ml',
  pod: 'train-0',
  containers: [
    { name: 'main', devices: [{ resource: 'nvidia.com/gpu', ids: ['GPU-a', 'GPU-b'] }] },
    { name: 'sidecar', devices: [] },
  ],
};

describe('pod resources', () => {
  test('a pod with two GPUs, a container without any', () => {
    expect(parsePodResources(encodePods([train]))).toEqual([
      { namespace: 'ml', pod: 'train-0', container: 'main', resource: 'nvidia.com/gpu', ids: ['GPU-a', 'GPU-b'] },
    ]);
  });

  test('no pods', () => {
    expect(parsePodResources(new Uint8Array())).toEqual([]);
  });

  test('fields that newer kubelets add are passed over', () => {
    const pod = Buffer.concat([number(9, 300), encodePods([train]), field(15, Buffer.from('later'))]);
    expect(parsePodResources(pod)).toHaveLength(1);
  });

  test('a length beyond the end, a field that is none', () => {
    expect(() => parsePodResources(Buffer.from([0x0a, 0xff, 0xff, 0x7f, 1]))).toThrow(ParseError);
    expect(() => parsePodResources(Buffer.from([0x0b]))).toThrow(ParseError);
  });

  test('cut anywhere it is refused, or is what stood before', () => {
    const whole = encodePods([train, { ...train, pod: 'train-1' }]);
    for (let end = 0; end < whole.length; end++) {
      const cut = parsed(whole.subarray(0, end));
      expect(cut === 'refused' || cut < 2, `cut at ${end}`).toBe(true);
    }
    expect(parsed(whole)).toBe(2);
  });

  test('whatever arrives, nothing but ParseError is thrown', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        parsed(bytes);
      }),
    );
  });
});

function parsed(bytes: Uint8Array): number | 'refused' {
  try {
    return parsePodResources(bytes).length;
  } catch (error) {
    if (error instanceof ParseError) return 'refused';
    throw error;
  }
}
