// What this program is: version from package.json, commit written in by the bundler.
import packageJson from '../package.json' with { type: 'json' };

declare const __COMMIT__: string | undefined;

export const build = {
  version: packageJson.version,
  commit: typeof __COMMIT__ === 'undefined' ? 'unknown' : __COMMIT__,
  runtime: `node ${process.versions.node}`,
} as const;
