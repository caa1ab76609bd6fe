// Asks slurmrestd, over TCP or a Unix socket. slurmrestd(8), rest_api.html; the newest version that it speaks is found once.
import { readFileSync } from 'node:fs';
import { request as overHttp, type IncomingMessage, type RequestOptions } from 'node:http';
import { request as overHttps } from 'node:https';
import { SlurmError, type SlurmSource } from './model.ts';
import { readRestJobs, readRestNodes } from './rest.ts';

const NEWEST = 46;
const OLDEST = 36;
const PATIENCE_MS = 10_000;
const MOST_BYTES = 512 * 1024 * 1024;

export interface RestOptions {
  /** `http://host:6820` or `unix:/run/slurmrestd.sock`. */
  readonly url: string;
  /** Holds the token that `scontrol token` gave; read anew each time, as tokens end. */
  readonly tokenFile: string | undefined;
  readonly user: string | undefined;
}

export function createRestSource(options: RestOptions): SlurmSource {
  let version: number | undefined;
  const ask = async (what: 'jobs' | 'nodes'): Promise<unknown> => {
    version ??= await findVersion(options);
    try {
      return await get(options, `/slurm/v0.0.${version}/${what}`);
    } catch (error) {
      version = undefined;
      throw error;
    }
  };
  return {
    name: 'slurmrestd',
    jobs: async () => readRestJobs(await ask('jobs')),
    nodes: async () => readRestNodes(await ask('nodes')),
  };
}

async function findVersion(options: RestOptions): Promise<number> {
  for (let version = NEWEST; version >= OLDEST; version--) {
    const { status } = await send(options, `/slurm/v0.0.${version}/ping`);
    if (status === 200) return version;
    if (status === 401 || status === 403)
      throw new SlurmError('slurmrestd refuses the token: see jobs.slurm_token_file');
  }
  throw new SlurmError(`slurmrestd speaks none of the versions v0.0.${OLDEST} to v0.0.${NEWEST}`);
}

async function get(options: RestOptions, path: string): Promise<unknown> {
  const { status, body } = await send(options, path);
  if (status !== 200) throw new SlurmError(`slurmrestd answers ${status} to ${path}`);
  try {
    return JSON.parse(body);
  } catch (error) {
    throw new SlurmError('slurmrestd answers with something that is no JSON', { cause: error });
  }
}

interface Answer {
  readonly status: number;
  readonly body: string;
}

function send(options: RestOptions, path: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const fail = (reason: string) => (error: unknown) => {
      reject(new SlurmError(`slurmrestd ${reason}: ${error instanceof Error ? error.message : String(error)}`));
    };
    const signal = AbortSignal.timeout(PATIENCE_MS);
    const start = options.url.startsWith('https:') ? overHttps : overHttp;
    start({ ...addressOf(options.url, path), headers: headersOf(options), signal }, (response) => {
      collect(response).then(resolve, fail('broke off'));
    })
      .on('error', fail(signal.aborted ? 'did not answer in time' : 'cannot be reached'))
      .end();
  });
}

function addressOf(url: string, path: string): RequestOptions {
  if (url.startsWith('unix:')) return { socketPath: url.slice('unix:'.length), path };
  const { protocol, hostname, port, pathname } = new URL(url);
  return { protocol, hostname, port, path: `${pathname.replace(/\/$/, '')}${path}` };
}

/** Throws SlurmError. */
function headersOf({ tokenFile, user }: RestOptions): Record<string, string> {
  const named = user === undefined ? {} : { 'X-SLURM-USER-NAME': user };
  if (tokenFile === undefined) return named;
  try {
    return {
      ...named,
      'X-SLURM-USER-TOKEN': readFileSync(tokenFile, 'utf8')
        .trim()
        .replace(/^SLURM_JWT=/, ''),
    };
  } catch (error) {
    throw new SlurmError(`the token in ${tokenFile} cannot be read`, { cause: error });
  }
}

async function collect(response: IncomingMessage): Promise<Answer> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of response as AsyncIterable<Buffer>) {
    bytes += part.length;
    if (bytes > MOST_BYTES) throw new SlurmError('it says too much');
    parts.push(part);
  }
  return { status: response.statusCode ?? 0, body: Buffer.concat(parts).toString('utf8') };
}
