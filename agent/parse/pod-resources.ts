// The kubelet's answer to v1.PodResourcesLister/List: which pod has which devices. k8s.io/kubelet/pkg/apis/podresources/v1/api.proto,
// in protocol buffers: a key of number and wire type, then a varint or a length and so many bytes.
import { ParseError } from './parse-error.ts';

export interface PodDevices {
  readonly namespace: string;
  readonly pod: string;
  readonly container: string;
  readonly resource: string;
  readonly ids: readonly string[];
}

const SOURCE = 'pod-resources';

/** ListPodResourcesResponse: pod_resources = 1. */
export function parsePodResources(bytes: Uint8Array): readonly PodDevices[] {
  return partsOf(bytes, 1).flatMap(parsePod);
}

/** PodResources: name = 1, namespace = 2, containers = 3. */
function parsePod(bytes: Uint8Array): readonly PodDevices[] {
  const [pod, namespace] = [textOf(bytes, 1), textOf(bytes, 2)];
  return partsOf(bytes, 3).flatMap((container) =>
    // ContainerResources: name = 1, devices = 2. ContainerDevices: resource_name = 1, device_ids = 2.
    partsOf(container, 2).map((devices) => ({
      ...{ namespace, pod },
      container: textOf(container, 1),
      resource: textOf(devices, 1),
      ids: partsOf(devices, 2).map((id) => Buffer.from(id).toString('utf8')),
    })),
  );
}

function textOf(bytes: Uint8Array, number: number): string {
  return Buffer.from(partsOf(bytes, number).at(-1) ?? new Uint8Array()).toString('utf8');
}

/** All values of a field that are bytes; what newer kubelets add is passed over. */
function partsOf(bytes: Uint8Array, number: number): readonly Uint8Array[] {
  const parts: Uint8Array[] = [];
  const cursor = new Cursor(bytes);
  while (!cursor.isAtEnd) {
    const key = cursor.varint();
    const value = cursor.value(key & 7);
    if (value && key >>> 3 === number) parts.push(value);
  }
  return parts;
}

class Cursor {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#bytes.length;
  }

  varint(): number {
    let value = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      const byte = this.#bytes[this.#at++];
      if (byte === undefined) throw this.#broken('a number');
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    throw this.#broken('a number of at most ten bytes');
  }

  /** undefined for numbers. */
  value(wireType: number): Uint8Array | undefined {
    switch (wireType) {
      case 0:
        this.varint();
        return undefined;
      case 1:
        this.#take(8);
        return undefined;
      case 2:
        return this.#take(this.varint());
      case 5:
        this.#take(4);
        return undefined;
      default:
        throw this.#broken('a field');
    }
  }

  #take(length: number): Uint8Array {
    const end = this.#at + length;
    if (!(end <= this.#bytes.length)) throw this.#broken(`${length} bytes`);
    const part = this.#bytes.subarray(this.#at, end);
    this.#at = end;
    return part;
  }

  #broken(expected: string): ParseError {
    const excerpt = Buffer.from(this.#bytes.subarray(Math.max(0, this.#at - 8), this.#at + 8)).toString('hex');
    return new ParseError(SOURCE, excerpt, expected);
  }
}
