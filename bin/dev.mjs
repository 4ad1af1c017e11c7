#!/usr/bin/env -S node --import tsx
// The command line of src/ as it stands, not bundled.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { execute } from '@oclif/core';

const root = fileURLToPath(new URL('..', import.meta.url));
const pjson = JSON.parse(readFileSync(`${root}package.json`, 'utf8'));
pjson.oclif.commands.target = './src/main.ts';
pjson.oclif.helpClass.target = './src/main.ts';
pjson.oclif.hooks.command_not_found.target = './src/main.ts';
await execute({ development: true, loadOptions: { root, pjson, userPlugins: false } });
