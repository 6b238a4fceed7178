import { readFileSync } from 'node:fs'
import { TestingError } from '../testing-error.js'

/** The account that the server runs as. */
export interface ServerAccount {
  readonly uid: number
  readonly gid: number
}

/** PostgreSQL refuses to run as root, so root hands it to another account; an ordinary user runs it as itself. */
export function serverAccount(): ServerAccount | undefined {
  if (process.getuid?.() !== 0) return undefined
  return pickAccount(readFileSync('/etc/passwd', 'utf8'))
}

/** Picks `postgres`, else `nobody`, from the text of a passwd file. */
export function pickAccount(passwd: string): ServerAccount {
  const rows = passwd.split('\n').map((line) => line.split(':'))
  for (const name of ['postgres', 'nobody']) {
    const [, , uid, gid] = rows.find((row) => row[0] === name) ?? []
    if (uid && gid && uid !== '0') return { uid: Number(uid), gid: Number(gid) }
  }
  throw new TestingError(
    'NO_ACCOUNT',
    'PostgreSQL does not run as root, and there is neither an account "postgres" nor "nobody" to run it as. ' +
      'Create one (useradd --system postgres), run as an ordinary user, or set DATABASE_URL.',
  )
}
