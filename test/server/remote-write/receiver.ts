// A receiver of remote write that understands what it is sent and answers as the test says.
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { uncompress } from 'snappyjs';

export interface ReceivedSample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
  readonly timeMs: number;
}

export type Answer = (samples: readonly ReceivedSample[], response: ServerResponse) => void;
export const accept: Answer = (_samples, response) => {
  response.writeHead(204).end();
};

export class Receiver {
  /** Of requests that were accepted. */
  readonly samples: ReceivedSample[] = [];
  readonly requests: IncomingMessage[] = [];
  answer: Answer = accept;
  readonly #http: Server;

  constructor() {
    this.#http = createServer((request, response) => {
      void this.#take(request, response);
    });
  }

  async listen(): Promise<string> {
    this.#http.listen(0, '127.0.0.1');
    await once(this.#http, 'listening');
    const address = this.#http.address();
    return `http://127.0.0.1:${typeof address === 'object' ? (address?.port ?? 0) : 0}/api/v1/write`;
  }

  async close(): Promise<void> {
    this.#http.closeAllConnections();
    this.#http.close();
    await once(this.#http, 'close');
  }

  async #take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.requests.push(request);
    const samples = decodeRequest(Buffer.from(uncompress(await buffer(request))));
    response.on('finish', () => {
      if (response.statusCode < 300) this.samples.push(...samples);
    });
    this.answer(samples, response);
  }
}

/** Protobuf by its own rules, not by those of the writer. */
export function decodeRequest(bytes: Buffer): readonly ReceivedSample[] {
  return fieldsOf(bytes)
    .filter(({ number }) => number === 1)
    .flatMap(({ content }) => {
      const fields = fieldsOf(content ?? Buffer.alloc(0));
      const labels = Object.fromEntries(
        fields
          .filter(({ number }) => number === 1)
          .map(({ content: label }) => {
            const [name, value] = fieldsOf(label ?? Buffer.alloc(0));
            return [name?.content?.toString() ?? '', value?.content?.toString() ?? ''] as const;
          }),
      );
      return fields
        .filter(({ number }) => number === 2)
        .map(({ content: sample }) => {
          const [value, time] = fieldsOf(sample ?? Buffer.alloc(0));
          return { labels, value: value?.double ?? NaN, timeMs: time?.varint ?? NaN };
        });
    });
}

interface Field {
  readonly number: number;
  readonly content?: Buffer;
  readonly double?: number;
  readonly varint?: number;
}

function fieldsOf(bytes: Buffer): readonly Field[] {
  const fields: Field[] = [];
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let factor = 1; ; factor *= 128) {
      const byte = bytes[at++] ?? 0;
      value += (byte & 127) * factor;
      if (byte < 128) return value;
    }
  };
  while (at < bytes.length) {
    const tag = varint();
    const number = tag >> 3;
    if ((tag & 7) === 0) fields.push({ number, varint: varint() });
    else if ((tag & 7) === 1) {
      fields.push({ number, double: bytes.readDoubleLE(at) });
      at += 8;
    } else {
      const length = varint();
      fields.push({ number, content: bytes.subarray(at, at + length) });
      at += length;
    }
  }
  return fields;
}
