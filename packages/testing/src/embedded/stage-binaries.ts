import { chmod, copyFile, lstat, mkdir, mkdtemp, readdir, readFile, rename, rm, symlink } from 'node:fs/promises'
import path from 'node:path'
import { TestingError } from '../testing-error.js'
import type { Binaries } from './find-binaries.js'

/** A copy that is older than this and still has its working name belongs to a process that died half-way. */
const ABANDONED_MS = 10 * 60_000

/**
 * Copies the binaries once to a folder that the server's account can read, with the library links that npm leaves out,
 * and returns that folder. Several processes may do so at once: each makes its own copy and renames it into place.
 *
 * @throws {@link TestingError} `STAGE_UNTRUSTED` when the name is taken by a folder that somebody else could change.
 */
export async function stageBinaries(binaries: Binaries, parent: string): Promise<string> {
  const uid = process.getuid?.() ?? 0
  const prefix = `rillflow-postgres-${binaries.version}-${process.arch}-${uid}`
  const target = path.join(parent, prefix)
  const files = await filesToStage(binaries.folder)
  if (await isStaged(target, files)) return target
  await removeAbandoned(parent, `${prefix}.`)
  const copy = await mkdtemp(`${target}.`)
  try {
    await copyFiles(binaries.folder, copy, files)
    await moveIntoPlace(copy, target, files)
  } finally {
    await rm(copy, { recursive: true, force: true })
  }
  return target
}

/** What is copied, by its path inside the folder; a link's value is what it points at. */
type StagedFiles = ReadonlyMap<string, string | undefined>

async function filesToStage(folder: string): Promise<StagedFiles> {
  const files = new Map<string, string | undefined>()
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  for (const entry of entries) {
    // Static libraries are half of the files' weight that a server never opens.
    if (entry.isDirectory() || entry.name.endsWith('.a')) continue
    files.set(path.relative(folder, path.join(entry.parentPath, entry.name)), undefined)
  }
  for (const { source, target } of await libraryLinks(folder)) {
    const link = path.relative('native', target)
    if (!files.has(link)) files.set(link, path.basename(source))
  }
  return files
}

async function libraryLinks(folder: string): Promise<{ source: string; target: string }[]> {
  const text = await readFile(path.join(folder, 'pg-symlinks.json'), 'utf8').catch(() => '[]')
  return JSON.parse(text) as { source: string; target: string }[]
}

/** Whether the whole copy is there and only this user could have made it; cleaners of `/tmp` remove files one by one. */
async function isStaged(target: string, files: StagedFiles): Promise<boolean> {
  const stats = await lstat(target).catch(() => undefined)
  if (!stats) return false
  if (!stats.isDirectory() || stats.uid !== (process.getuid?.() ?? stats.uid) || (stats.mode & 0o022) !== 0) {
    throw new TestingError(
      'STAGE_UNTRUSTED',
      `${target} should hold PostgreSQL's binaries, but it is not a folder that only this user can change. ` +
        'Remove it, or set TMPDIR to another folder.',
    )
  }
  const present = new Set(await readdir(target, { recursive: true }).catch(() => []))
  return [...files.keys()].every((each) => present.has(each))
}

async function copyFiles(from: string, to: string, files: StagedFiles): Promise<void> {
  const folders = new Set([...files.keys()].map((each) => path.dirname(each)))
  for (const folder of folders) await mkdir(path.join(to, folder), { recursive: true })
  await Promise.all(
    [...files].map(async ([file, link]) => {
      const copy = path.join(to, file)
      if (link !== undefined) return await symlink(link, copy)
      await copyFile(path.join(from, file), copy)
      await chmod(copy, file.startsWith('bin') ? 0o755 : 0o644)
    }),
  )
  // Said aloud, since a umask of 077 would hide the copy from the server's account.
  for (const folder of await readdir(to, { recursive: true, withFileTypes: true })) {
    if (folder.isDirectory()) await chmod(path.join(folder.parentPath, folder.name), 0o755)
  }
  await chmod(to, 0o755)
}

async function moveIntoPlace(copy: string, target: string, files: StagedFiles): Promise<void> {
  try {
    await rename(copy, target)
  } catch {
    // Another process was faster, or an incomplete copy is in the way, which is moved out of it.
    if (await isStaged(target, files)) return
    await rename(target, `${copy}.old`).catch(() => {})
    await rm(`${copy}.old`, { recursive: true, force: true })
    await moveOrConcede(copy, target, files)
  }
}

async function moveOrConcede(copy: string, target: string, files: StagedFiles): Promise<void> {
  try {
    await rename(copy, target)
  } catch (error) {
    if (!(await isStaged(target, files))) throw error
  }
}

async function removeAbandoned(parent: string, prefix: string): Promise<void> {
  const names = await readdir(parent)
  for (const name of names.filter((each) => each.startsWith(prefix))) {
    const folder = path.join(parent, name)
    const stats = await lstat(folder).catch(() => undefined)
    if (!stats?.isDirectory() || stats.uid !== (process.getuid?.() ?? stats.uid)) continue
    if (Date.now() - stats.mtimeMs > ABANDONED_MS) await rm(folder, { recursive: true, force: true })
  }
}
