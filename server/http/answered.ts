// A question that cannot be understood is answered with 400 and what would be.
import type { Context } from 'hono';
import { QueryError } from '../query/request.ts';
import { refuse } from './errors.ts';

export async function answered(c: Context, answer: () => Response | Promise<Response>): Promise<Response> {
  try {
    return await answer();
  } catch (error) {
    if (!(error instanceof QueryError)) throw error;
    const { message, hint } = error;
    return refuse(c, { status: 400, code: 'bad_query', message, ...(hint === undefined ? {} : { hint }) });
  }
}
