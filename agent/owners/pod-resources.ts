// Asks the kubelet over its Unix socket which pod has which GPU: gRPC by hand, one call and one answer. Read-only.
// kubernetes.io "Device Plugins, Monitoring device plugin resources"; grpc.io "gRPC over HTTP2".
import { connect as connectHttp2, constants, type ClientHttp2Stream } from 'node:http2';
import { connect as connectSocket } from 'node:net';
import { parsePodResources, type PodDevices } from '../parse/pod-resources.ts';
import { PodResourcesError } from './pod-error.ts';

const PATIENCE_MS = 5000;
const MOST_BYTES = 16 * 1024 * 1024;
/** Flag of compression and length. */
const HEAD_BYTES = 5;

/** Throws PodResourcesError, ParseError. */
export async function listPodResources(socket: string, patienceMs = PATIENCE_MS): Promise<readonly PodDevices[]> {
  return parsePodResources(messageIn(await call(socket, '/v1.PodResourcesLister/List', patienceMs)));
}

function call(socket: string, method: string, patienceMs: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const session = connectHttp2('http://localhost', { createConnection: () => connectSocket(socket) });
    const timer = setTimeout(() => {
      end(new PodResourcesError('the kubelet did not answer in time'));
    }, patienceMs);
    const end = (result: Buffer | Error): void => {
      clearTimeout(timer);
      session.destroy();
      if (result instanceof Error) reject(result);
      else resolve(result);
    };
    const fail = (error: Error): void => {
      end(new PodResourcesError(`the kubelet cannot be asked: ${error.message}`, { cause: error }));
    };
    session.on('error', fail);
    const stream = session.request({
      [constants.HTTP2_HEADER_METHOD]: 'POST',
      [constants.HTTP2_HEADER_PATH]: method,
      [constants.HTTP2_HEADER_CONTENT_TYPE]: 'application/grpc',
      [constants.HTTP2_HEADER_TE]: 'trailers',
    });
    stream.on('error', fail);
    // An empty request.
    stream.end(Buffer.alloc(HEAD_BYTES));
    receive(stream, end);
  });
}

/** Calls back once, with the body or with what the kubelet says went wrong. */
function receive(stream: ClientHttp2Stream, end: (result: Buffer | Error) => void): void {
  const parts: Buffer[] = [];
  let bytes = 0;
  let status = '';
  let message = '';
  const note = (headers: Readonly<Record<string, unknown>>): void => {
    const { 'grpc-status': newStatus, 'grpc-message': newMessage } = headers;
    if (typeof newStatus === 'string') status = newStatus;
    if (typeof newMessage === 'string') message = newMessage;
  };
  stream.on('response', note);
  stream.on('trailers', note);
  stream.on('data', (part: Buffer) => {
    bytes += part.length;
    if (bytes > MOST_BYTES) end(new PodResourcesError('the kubelet says too much'));
    else parts.push(part);
  });
  stream.on('end', () => {
    if (status === '0') end(Buffer.concat(parts));
    else
      end(new PodResourcesError(`the kubelet refuses: ${message === '' ? `status ${status || 'unknown'}` : message}`));
  });
}

/** Throws PodResourcesError. */
function messageIn(body: Buffer): Buffer {
  if (body.length < HEAD_BYTES) throw new PodResourcesError('the kubelet sent no answer');
  if (body[0] !== 0) throw new PodResourcesError('the kubelet compresses, which it was not asked for');
  const length = body.readUInt32BE(1);
  if (body.length < HEAD_BYTES + length) throw new PodResourcesError('the answer of the kubelet is cut off');
  return body.subarray(HEAD_BYTES, HEAD_BYTES + length);
}
