import { execFile } from 'node:child_process'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { Peer } from './peers.js'

const ROOT = fileURLToPath(new URL('../../.peers', import.meta.url))
const DONE = 'installed'

/** Where a peer lives once it is installed. */
export function peerFolder(peer: Peer): string {
  return path.join(ROOT, peer.name)
}

/**
 * Fetches a peer with npm into a folder of the benchmark's own, outside the workspace and its lockfile. Runs no
 * install script. Does nothing when these versions are there already.
 */
export async function installPeer(peer: Peer): Promise<void> {
  const folder = peerFolder(peer)
  // Act refuses to load from a package without a name and a version.
  const identity = { name: `peer-${peer.name}`, version: '0.0.0', private: true, type: 'module' }
  const manifest = JSON.stringify({ ...identity, dependencies: peer.packages }, null, 2)
  if ((await readFile(path.join(folder, DONE), 'utf8').catch(() => '')) === manifest) return
  await rm(folder, { recursive: true, force: true })
  await mkdir(folder, { recursive: true })
  await writeFile(path.join(folder, 'package.json'), manifest)
  // Resolves as an import from that folder would, which nothing outside it can ask for.
  await writeFile(path.join(folder, 'load.js'), 'export const load = (name) => import(name)\n')
  await promisify(execFile)('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--no-package-lock'], {
    cwd: folder,
    timeout: 5 * 60_000,
  })
  await writeFile(path.join(folder, DONE), manifest)
}
