// Asks a running server: its JSON, or its error in the one shape. A server that is not there ends the program with 69.
import type { ApiError } from '#server/contract';

const PATIENCE_MS = 30_000;

/** sysexits' EX_UNAVAILABLE. */
export class ServerUnreachable extends Error {
  override readonly name = 'ServerUnreachable';
  readonly exitCode = 69;
}

/** Throws ServerUnreachable. The answer is believed to be of the shape that this version of the server gives. */
export async function askServer<Answer extends object>(url: URL): Promise<Answer | ApiError> {
  let body: string;
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(PATIENCE_MS) });
    body = await response.text();
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause.message : String(error);
    throw new ServerUnreachable(`no server answers at ${url.origin}: ${cause}`);
  }
  try {
    return JSON.parse(body) as Answer | ApiError; // our own server's word
  } catch {
    throw new ServerUnreachable(`what answers at ${url.origin} is no whyidle server`);
  }
}
