// One GET with a deadline and a cap, over a connection that is kept. Never follows a redirect: the address was named by a person.
import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';

export interface HttpGetRequest {
  readonly url: URL;
  readonly timeoutMs: number;
  readonly maxBytes: number;
}

export type HttpAnswer =
  | { readonly kind: 'done'; readonly status: number; readonly body: string }
  | { readonly kind: 'timed_out' }
  | { readonly kind: 'too_long' }
  /** The connection ended before the body did, or never began. */
  | { readonly kind: 'failed'; readonly code: string; readonly message: string };

export interface HttpRequest {
  readonly answer: Promise<HttpAnswer>;
  cancel(): void;
}

export type HttpGet = (request: HttpGetRequest) => HttpRequest;

/** Connections are kept between requests and hold no process open. */
export function createHttpGet(): HttpGet {
  const kept = { keepAlive: true, maxSockets: 1 };
  const http = new HttpAgent(kept);
  const https = new HttpsAgent(kept);
  return (request) => {
    const { promise, resolve } = Promise.withResolvers<HttpAnswer>();
    const isSecure = request.url.protocol === 'https:';
    const options = { agent: isSecure ? https : http, headers: { accept: 'text/plain;version=0.0.4' } };
    const sent = (isSecure ? httpsRequest : httpRequest)(request.url, options, (response) => {
      collect(response, request.maxBytes, end);
    });
    const deadline = setTimeout(() => {
      end({ kind: 'timed_out' });
    }, request.timeoutMs);
    function end(answer: HttpAnswer): void {
      clearTimeout(deadline);
      if (answer.kind !== 'done') sent.destroy();
      resolve(answer);
    }
    sent.on('error', (error) => {
      end(failed(error));
    });
    sent.end();
    return {
      answer: promise,
      cancel: () => {
        end({ kind: 'failed', code: 'cancelled', message: 'nobody waits for it any more' });
      },
    };
  };
}

function collect(response: IncomingMessage, maxBytes: number, end: (answer: HttpAnswer) => void): void {
  const chunks: Buffer[] = [];
  let length = 0;
  response.on('data', (chunk: Buffer) => {
    length += chunk.length;
    if (length > maxBytes) end({ kind: 'too_long' });
    else chunks.push(chunk);
  });
  response.on('error', (error) => {
    end(failed(error));
  });
  response.on('end', () => {
    end({ kind: 'done', status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString('utf8') });
  });
}

function failed(error: Error): HttpAnswer {
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  return { kind: 'failed', code, message: error.message };
}
