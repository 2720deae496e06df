// `npm run demo`: builds what is missing and starts the demo in this process, so that signals reach it.

import { heading } from './run.mjs';
import { prepare } from './prepare.mjs';

await prepare();
heading('Starting the demo (Ctrl+C ends it)');
await import('../demo/server.mjs');
