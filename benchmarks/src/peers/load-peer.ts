import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { installPeer, peerFolder } from './install-peer.js'
import type { Peer } from './peers.js'

/**
 * Imports a module of a peer as `Shape`: what the benchmark uses of it, since its types are not in the workspace.
 *
 * @throws Error that begins with `not installed`, which the table shows.
 */
export async function loadPeer<Shape>(peer: Peer, name: string): Promise<Shape> {
  await installPeer(peer).catch((error: unknown) => {
    throw new Error(`not installed: ${firstLine(error)}`, { cause: error })
  })
  // Act reads the package.json of the working directory; the process is the contender's own.
  process.chdir(peerFolder(peer))
  const loader = (await import(pathToFileURL(path.join(peerFolder(peer), 'load.js')).href)) as Loader
  return (await loader.load(name)) as Shape
}

interface Loader {
  load(name: string): Promise<unknown>
}

function firstLine(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error)
  return text.split('\n').find((line) => /npm error/i.test(line)) ?? text.split('\n')[0] ?? text
}
