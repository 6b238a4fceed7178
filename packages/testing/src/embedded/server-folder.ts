import { accessSync, constants, existsSync, statfsSync, statSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { TestingError } from '../testing-error.js'
import type { ServerAccount } from './server-account.js'

const ROOMY = 2 ** 30

/** Where the folder of a server goes: memory when it has room and nothing needs the disk, else a temporary folder. */
export function serverFolder(durable: boolean): string {
  return !durable && isRoomy('/dev/shm') && isShared('/dev/shm') ? '/dev/shm' : temporaryFolder()
}

/**
 * The temporary folder; as root, one that the server's account can reach too, since `TMPDIR` may lie in a folder that
 * only root can enter.
 */
export function temporaryFolder(): string {
  const candidates = [os.tmpdir(), '/tmp', '/var/tmp']
  const folder = candidates.find((each) => isWritable(each) && (process.getuid?.() !== 0 || isShared(each)))
  if (folder) return folder
  throw new TestingError(
    'NO_FOLDER',
    `None of ${candidates.join(', ')} can be written to${process.getuid?.() === 0 ? ' by every account' : ''}. ` +
      'Set TMPDIR to a folder that can.',
  )
}

function isWritable(folder: string): boolean {
  try {
    accessSync(folder, constants.W_OK | constants.X_OK)
    return true
  } catch {
    return false
  }
}

/** Whether every account can make files in the folder. */
function isShared(folder: string): boolean {
  try {
    return (statSync(folder).mode & 0o003) === 0o003 && closedTo(folder, undefined) === undefined
  } catch {
    return false
  }
}

/** The outermost folder, on the way to this one or itself, that the account (or, without one, everybody) cannot enter. */
export function closedTo(folder: string, account: ServerAccount | undefined): string | undefined {
  const parent = path.dirname(folder)
  const closed = parent === folder ? undefined : closedTo(parent, account)
  if (closed !== undefined || !existsSync(folder)) return closed
  const { mode, uid, gid } = statSync(folder)
  const bit = uid === account?.uid ? 0o100 : gid === account?.gid ? 0o010 : 0o001
  return (mode & bit) === 0 ? folder : undefined
}

function isRoomy(folder: string): boolean {
  try {
    const { bavail, bsize } = statfsSync(folder)
    return bavail * bsize > ROOMY
  } catch {
    return false
  }
}
