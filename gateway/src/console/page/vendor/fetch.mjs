#!/usr/bin/env node
// Fetches the libraries of the page from the npm registry, as `versions.json` names them, and holds them to its hashes.
// `node fetch.mjs` checks and writes the files; `node fetch.mjs --record` takes the hashes of what came, after a new
// version was written into `versions.json`.

import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

const here = import.meta.dirname;
const records = join(here, 'versions.json');
const versions = JSON.parse(readFileSync(records, 'utf8'));
const isRecording = process.argv.includes('--record');
const digest = (kind, bytes, form) => createHash(kind).update(bytes).digest(form);

function held(what, recorded, came) {
  if (isRecording || recorded === came) return came;
  console.error(`${what}: ${recorded} is recorded, and ${came} came`);
  process.exit(1);
}

for (const [name, library] of Object.entries(versions)) {
  const folder = mkdtempSync(join(tmpdir(), 'kt-vendor-'));
  const packed = execFileSync('npm', ['pack', '--silent', `${name}@${library.version}`], { cwd: folder, encoding: 'utf8' });
  const tarball = join(folder, packed.trim().split('\n').at(-1));
  library.integrity = held(`${name} ${library.version}`, library.integrity, `sha512-${digest('sha512', readFileSync(tarball), 'base64')}`);
  execFileSync('tar', ['xzf', tarball, '-C', folder]);
  for (const [file, hash] of Object.entries(library.files)) {
    const bytes = readFileSync(join(folder, 'package', file));
    library.files[file] = held(`${name}/${file}`, hash, digest('sha256', bytes, 'hex'));
    const path = join(here, name, file);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, bytes);
  }
  rmSync(folder, { recursive: true });
  console.log(`${name} ${library.version}: ${Object.keys(library.files).length} files`);
}
if (isRecording) writeFileSync(records, `${JSON.stringify(versions, null, 2)}\n`);
