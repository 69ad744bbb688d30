/** Set up for every test file: nothing that a sidecar or the command line says holds a secret. */
import { afterAll, afterEach } from 'vitest';
import { refuseHeard } from './secrets.js';

afterEach(refuseHeard);
afterAll(refuseHeard);
