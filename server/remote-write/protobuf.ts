// Prometheus remote write 1.0 (https://prometheus.io/docs/specs/prw/remote_write_spec/): a WriteRequest by hand. The labels of a
// series are encoded once; a request copies them and adds samples.
//   WriteRequest { repeated TimeSeries timeseries = 1 }  TimeSeries { repeated Label labels = 1; repeated Sample samples = 2 }
//   Label { string name = 1; string value = 2 }          Sample { double value = 1; int64 timestamp = 2 }

/** The bits of a NaN that Prometheus reads as "this series has ended". */
export const STALE = ((): number => {
  const view = new DataView(new ArrayBuffer(8));
  view.setBigUint64(0, 0x7ff0000000000002n);
  return view.getFloat64(0);
})();
const STALE_BYTES = Buffer.from([0x02, 0, 0, 0, 0, 0, 0xf0, 0x7f]);

/** Field `labels` of a TimeSeries, sorted by name as receivers demand. */
export function encodeLabels(labels: Readonly<Record<string, string>>): Buffer {
  const parts = Object.entries(labels)
    .filter(([, value]) => value !== '')
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => {
      const label = Buffer.concat([field(1, Buffer.from(name)), field(2, Buffer.from(value))]);
      return field(1, label);
    });
  return Buffer.concat(parts);
}

function field(number: number, content: Buffer): Buffer {
  return Buffer.concat([Buffer.from([(number << 3) | 2, ...varint(content.length)]), content]);
}

function varint(value: number): readonly number[] {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 128);
  bytes.push(rest);
  return bytes;
}

/** Builds one request after the other in the same buffer. */
export class RequestWriter {
  #bytes = Buffer.allocUnsafe(1 << 16);
  #at = 0;
  #samples = 0;

  get samples(): number {
    return this.#samples;
  }
  get length(): number {
    return this.#at;
  }

  /** One sample of a series. */
  add(labels: Buffer, value: number, timestampMs: number): void {
    // Tag and length of the sample 2, value 9, tag of the time 1.
    const sampleLength = 9 + 1 + varintLength(timestampMs);
    const length = labels.length + 2 + sampleLength;
    this.#room(length + 12);
    const bytes = this.#bytes;
    bytes[this.#at++] = 0x0a;
    this.#varint(length);
    labels.copy(bytes, this.#at);
    this.#at += labels.length;
    bytes[this.#at++] = 0x12;
    bytes[this.#at++] = sampleLength;
    bytes[this.#at++] = 0x09;
    if (Number.isNaN(value)) STALE_BYTES.copy(bytes, this.#at);
    else bytes.writeDoubleLE(value, this.#at);
    this.#at += 8;
    bytes[this.#at++] = 0x10;
    this.#varint(timestampMs);
    this.#samples++;
  }

  /** A copy of the request; the next one begins. */
  take(): Buffer {
    const request = Buffer.from(this.#bytes.subarray(0, this.#at));
    this.#at = 0;
    this.#samples = 0;
    return request;
  }

  #varint(value: number): void {
    let rest = value;
    while (rest >= 128) {
      this.#bytes[this.#at++] = (rest % 128) | 128;
      rest = Math.floor(rest / 128);
    }
    this.#bytes[this.#at++] = rest;
  }

  #room(length: number): void {
    if (this.#at + length <= this.#bytes.length) return;
    const grown = Buffer.allocUnsafe(Math.max(this.#bytes.length * 2, this.#at + length));
    this.#bytes.copy(grown, 0, 0, this.#at);
    this.#bytes = grown;
  }
}

function varintLength(value: number): number {
  let length = 1;
  for (let rest = value; rest >= 128; rest = Math.floor(rest / 128)) length++;
  return length;
}

/** The series of a request, each as it stands in it: for halving one that a receiver refuses. */
export function splitRequest(request: Buffer): readonly Buffer[] {
  const parts: Buffer[] = [];
  let at = 0;
  while (at < request.length) {
    const start = at++;
    let length = 0;
    let factor = 1;
    for (;;) {
      const byte = request[at++] ?? 0;
      length += (byte & 127) * factor;
      if (byte < 128) break;
      factor *= 128;
    }
    at += length;
    parts.push(request.subarray(start, at));
  }
  return parts;
}
