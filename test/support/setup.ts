import { afterEach } from 'vitest';
import { dispose } from './disposables.ts';

// Here, because this file runs before each test file, while the modules that it imports run once a worker.
afterEach(dispose);
