// Only the proof that the package loads and closes cleanly under jest; the other suites are vitest's.
module.exports = {
  roots: ['<rootDir>/__test__/jest'],
  testEnvironment: 'node',
  testMatch: ['**/*.test.(js|cjs)'],
  transform: {},
};
