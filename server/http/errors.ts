// The one shape of every error of the HTTP interface.
import type { Context } from 'hono';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import type { ApiError } from '#server/contract';

export interface Problem {
  readonly status: ContentfulStatusCode;
  readonly code: string;
  readonly message: string;
  readonly hint?: string;
}

export function refuse(context: Context, { status, code, message, hint }: Problem): Response {
  const error: ApiError = { error: { code, message, ...(hint === undefined ? {} : { hint }) } };
  return context.json(error, status);
}
