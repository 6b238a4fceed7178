import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Stored } from './history.js'

const kept = fileURLToPath(new URL('../../../test-results/reliability', import.meta.url))

/** The seed of this run, printed: `RILLFLOW_SEED` when it is set, so that a failed run's choices can be made again. */
export function chooseSeed(): number {
  const seed = Number(process.env['RILLFLOW_SEED'] ?? Date.now() % 2 ** 31)
  console.log(`seed ${seed} (RILLFLOW_SEED=${seed} makes the same choices again, not the same interleaving)`)
  return seed
}

/**
 * Gives `work` a folder for what its processes record. It goes when the test passes; when it fails it stays under
 * test-results, and its path is printed.
 */
export async function withHistory<Result>(name: string, work: (folder: string) => Promise<Result>): Promise<Result> {
  const folder = join(kept, `${name}-${process.pid}`)
  await rm(folder, { recursive: true, force: true })
  await mkdir(folder, { recursive: true })
  try {
    const result = await work(folder)
    await rm(folder, { recursive: true })
    return result
  } catch (error) {
    console.error(`${name} failed; its history is kept in ${folder}`)
    await writeFile(
      join(folder, 'failure.txt'),
      `${error instanceof Error ? error.stack : String(error)}
`,
    )
    throw error
  }
}

/** Puts what the database holds beside the records, for whoever looks at a failed run when its server is gone. */
export async function keepStored(folder: string, stored: Stored): Promise<void> {
  const text = JSON.stringify({ ...stored, streams: Object.fromEntries(stored.streams) }, undefined, 1)
  await writeFile(join(folder, 'stored.json'), text)
}

/** The values that a process has recorded, one per line; none when it recorded nothing. */
export async function readRecord<Value>(file: string): Promise<readonly Value[]> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return ''
    throw error
  })
  // A process that was killed may have left half a line.
  const lines = text.slice(0, text.lastIndexOf('\n') + 1).split('\n')
  return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as Value)
}
