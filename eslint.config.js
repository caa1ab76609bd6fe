// Typed lint. The layer graph is in .dependency-cruiser.cjs alone.
import globals from 'globals';
import svelte from 'eslint-plugin-svelte';
import ts from 'typescript-eslint';
import svelteConfig from './svelte.config.js';

export default ts.config(
  { ignores: ['dist/', 'node_modules/', 'test/fixtures/', '.svelte-check/'] },
  ...ts.configs.strictTypeChecked,
  ...ts.configs.stylisticTypeChecked,
  ...svelte.configs.recommended,
  {
    languageOptions: {
      globals: { ...globals.node },
      parserOptions: {
        projectService: { allowDefaultProject: ['*.js', '*.cjs', '.dependency-cruiser.cjs'] },
        tsconfigRootDir: import.meta.dirname,
        extraFileExtensions: ['.svelte'],
      },
    },
    rules: {
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/consistent-type-imports': 'error',
      // It would ask for the assertion that the next rule forbids.
      '@typescript-eslint/non-nullable-type-assertion-style': 'off',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_' }],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      'no-restricted-syntax': [
        'error',
        { selector: 'TSEnumDeclaration', message: 'Use a const tuple or a union of kinds instead of an enum.' },
        { selector: 'TSNonNullExpression', message: 'Handle the missing value instead of asserting it away.' },
        {
          selector: 'ExportDefaultDeclaration',
          message: 'Export by name; a default export only where a tool demands one.',
        },
      ],
    },
  },
  {
    files: ['web/**/*.ts', 'web/**/*.svelte', 'test/web/**/*.ts'],
    languageOptions: { globals: { ...globals.browser } },
  },
  {
    files: ['**/*.svelte', '**/*.svelte.ts'],
    languageOptions: { parserOptions: { parser: ts.parser, svelteConfig } },
    rules: { 'svelte/no-at-html-tags': 'error' },
  },
  { files: ['*.js', '*.cjs', '*.config.ts', '.dependency-cruiser.cjs'], ...ts.configs.disableTypeChecked },
  {
    files: ['*.js', '*.cjs', '*.config.ts', '.dependency-cruiser.cjs'],
    rules: { 'no-restricted-syntax': 'off', '@typescript-eslint/no-require-imports': 'off' },
  },
);
