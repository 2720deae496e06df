import { configDefaults, defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['__test__/**/*.test.ts'],
    exclude: [...configDefaults.exclude, '__test__/jest/**'],
    pool: 'forks',
    globalSetup: ['__test__/support/shared-broker.ts'],
    testTimeout: 20_000,
    hookTimeout: 20_000,
    server: {
      // Loaded by Node itself, as in a service that has installed the package.
      deps: { external: [/\/(index|testing|native)\.js$/, /\/dist\//] },
    },
  },
});
