import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // Minutes to hours: run by name, with WHYIDLE_LONG=1.
    exclude: [...(process.env['WHYIDLE_LONG'] === '1' ? [] : ['test/long/**']), 'node_modules/**'],
    // The palette test reads the tokens.
    css: true,
    testTimeout: 20_000,
    hookTimeout: 60_000,
    // Two cores: the suites that start real programs would otherwise starve each other.
    maxWorkers: 2,
    reporters: ['default'],
  },
});
