// A kubelet that tells of pods over a Unix socket, and its answer in protocol buffers, written apart from the parser.
import { createServer, type Http2Server, type ServerHttp2Stream } from 'node:http2';

export interface FakePod {
  readonly namespace: string;
  readonly pod: string;
  readonly containers: readonly {
    readonly name: string;
    readonly devices: readonly { readonly resource: string; readonly ids: readonly string[] }[];
  }[];
}

export function encodePods(pods: readonly FakePod[]): Buffer {
  return Buffer.concat(
    pods.map(({ namespace, pod, containers }) =>
      field(1, text(1, pod), text(2, namespace), ...containers.map((one) => field(3, ...encodeContainer(one)))),
    ),
  );
}

function encodeContainer({ name, devices }: FakePod['containers'][number]): readonly Buffer[] {
  return [
    text(1, name),
    ...devices.map(({ resource, ids }) => field(2, text(1, resource), ...ids.map((id) => text(2, id)))),
  ];
}

export function field(number_: number, ...parts: readonly Buffer[]): Buffer {
  const body = Buffer.concat(parts);
  return Buffer.concat([varint(number_ * 8 + 2), varint(body.length), body]);
}

export function number(number_: number, value: number): Buffer {
  return Buffer.concat([varint(number_ * 8), varint(value)]);
}

function text(number_: number, value: string): Buffer {
  return field(number_, Buffer.from(value));
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    bytes.push(rest > 127 ? (rest % 128) + 128 : rest);
    if (rest <= 127) return Buffer.from(bytes);
  }
}

export type KubeletScript = (stream: ServerHttp2Stream, path: string) => void;

/** Answers with these pods. */
export function tells(pods: readonly FakePod[]): KubeletScript {
  return (stream, path) => {
    if (path === '/v1.PodResourcesLister/List') answer(stream, framed(encodePods(pods)), '0');
    else answer(stream, Buffer.alloc(0), '12', 'unknown method');
  };
}

export function framed(message: Buffer): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}

export function answer(stream: ServerHttp2Stream, body: Buffer, status: string, message = ''): void {
  stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
  stream.on('wantTrailers', () => {
    stream.sendTrailers({ 'grpc-status': status, 'grpc-message': message });
  });
  stream.end(body);
}

export async function startKubelet(socket: string, script: KubeletScript): Promise<{ close(): Promise<void> }> {
  const server: Http2Server = createServer();
  const streams = new Set<ServerHttp2Stream>();
  server.on('stream', (stream, headers) => {
    streams.add(stream);
    stream.on('error', () => undefined); // the agent hangs up on a kubelet that is too slow
    script(stream, String(headers[':path']));
  });
  await new Promise<void>((resolve) => server.listen(socket, resolve));
  return {
    close: () => {
      for (const stream of streams) stream.session?.destroy();
      return new Promise((resolve) => {
        server.close(() => {
          resolve();
        });
      });
    },
  };
}
