import svelte from 'eslint-plugin-svelte'
import globals from 'globals'
import ts from 'typescript-eslint'
import svelteConfig from './svelte.config.js'

export default ts.config(
  { ignores: ['dist', 'node_modules', 'src/lib/backend/generated.ts', 'tests/harness/output'] },
  ...ts.configs.strict,
  ...ts.configs.stylistic,
  ...svelte.configs.recommended,
  {
    languageOptions: { globals: { ...globals.browser, ...globals.node } },
    rules: {
      // The generated contract uses type aliases; one style throughout.
      '@typescript-eslint/consistent-type-definitions': 'off',
      'no-console': 'error',
      eqeqeq: 'error',
    },
  },
  {
    files: ['**/*.svelte', '**/*.svelte.ts'],
    languageOptions: {
      parserOptions: {
        extraFileExtensions: ['.svelte'],
        parser: ts.parser,
        svelteConfig,
      },
    },
    rules: {
      'svelte/no-at-html-tags': 'error',
      'svelte/no-inline-styles': 'off',
      // Plain collections are used on purpose where nothing is drawn from them.
      'svelte/prefer-svelte-reactivity': 'off',
    },
  },
  {
    // The user interface knows only the `Backend` interface; the entry point chooses which one.
    files: ['src/**'],
    ignores: ['src/main.ts', 'src/lib/backend/tauri.ts'],
    rules: {
      'no-restricted-imports': [
        'error',
        {
          patterns: [
            { group: ['@tauri-apps/*'], message: 'Only src/lib/backend/tauri.ts talks to Tauri.' },
            { group: ['**/backend/tauri', '**/backend/web'], message: 'Use the Backend interface.' },
          ],
        },
      ],
    },
  },
  { files: ['tests/harness/*.mjs'], rules: { 'no-console': 'off' } },
)
