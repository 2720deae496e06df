// `npm run build`, and `npm run build:release` for the optimised addon.

import { prepare } from './prepare.mjs';

await prepare({ release: process.argv.includes('--release') });
