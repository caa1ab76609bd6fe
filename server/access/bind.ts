// Who can reach the server: on loopback this machine alone; elsewhere only after somebody wrote down who may look.
import { UsageError } from '#agent/contract';

interface BindConfig {
  readonly 'server.listen': { readonly host: string; readonly port: number };
  readonly 'access.mode'?: 'none' | 'local' | 'oidc' | 'proxy' | undefined;
}

export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(host);
}

/** Throws UsageError where the address needs an access mode that is not written out or not there yet. */
export function checkBind(config: BindConfig): void {
  const mode = config['access.mode'];
  const { host } = config['server.listen'];
  if (mode === undefined && !isLoopback(host))
    throw new UsageError(
      `others can reach ${host}: write out access.mode in the configuration file (or WHYIDLE_ACCESS_MODE); ` +
        `access.mode: none lets everybody look who reaches it`,
    );
  if (mode !== undefined && mode !== 'none')
    throw new UsageError(`access.mode ${mode} is not in this version: it knows only none`);
}
