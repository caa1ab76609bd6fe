// Three bundles from one tree: the web app, the agent (deployable alone) and the server with its command line.
import { execFileSync } from 'node:child_process';
import { cpSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vite';

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** Natives that ws would use if they were there, and packages that keep their own files. */
const external = ['bufferutil', 'utf-8-validate', 'cpu-features', 'ssh2', 'koffi', '@duckdb/node-api'];

function commit(): string {
  try {
    return execFileSync('git', ['rev-parse', '--short', 'HEAD'], {
      cwd: here('.'),
      stdio: ['ignore', 'pipe', 'ignore'],
      encoding: 'utf8',
    }).trim();
  } catch {
    return 'unknown';
  }
}

/** The agent is deployed alone: the packages that are not bundled go with it, ssh2 with those that it needs. */
function copyPackages(): void {
  for (const name of ['koffi', '@koromix', 'ssh2', 'asn1', 'bcrypt-pbkdf', 'safer-buffer', 'tweetnacl']) {
    cpSync(here(`node_modules/${name}`), here(`dist/agent/node_modules/${name}`), {
      recursive: true,
      dereference: true,
      filter: (path) =>
        !/\/ssh2\/(test|examples|util)$/.test(path) &&
        (statSync(path).isDirectory() || /\.(js|cjs|json|node|txt)$/.test(path)),
    });
  }
}

const program = (outDir: string, input: Record<string, string>) => ({
  consumer: 'server' as const,
  resolve: { noExternal: true as const, external },
  build: {
    ssr: true,
    outDir: here(outDir),
    emptyOutDir: true,
    target: 'node24',
    minify: false,
    sourcemap: false,
    copyPublicDir: false,
    rolldownOptions: {
      input,
      external,
      output: { entryFileNames: '[name].js', chunkFileNames: 'chunks/[name]-[hash].js' },
    },
  },
});

export default defineConfig({
  root: here('web'),
  appType: 'spa',
  plugins: [svelte({ configFile: here('svelte.config.js') })],
  define: { __COMMIT__: JSON.stringify(commit()) },
  builder: {
    async buildApp(builder) {
      for (const name of ['client', 'agent', 'server']) {
        const environment = builder.environments[name];
        if (environment) await builder.build(environment);
      }
      copyPackages();
    },
  },
  environments: {
    client: {
      build: {
        outDir: here('dist/web'),
        emptyOutDir: true,
        target: 'es2023',
        assetsInlineLimit: 0,
        modulePreload: { polyfill: false },
      },
    },
    agent: program('dist/agent', {
      main: here('agent/main.ts'),
      'inventory-worker': here('agent/probe/inventory-worker.ts'),
      'gpu-reader': here('agent/probe/gpu-reader.ts'),
    }),
    server: program('dist/cli', {
      whyidle: here('server/cli/whyidle.ts'),
      'store-worker': here('server/store/worker.ts'),
    }),
  },
});
