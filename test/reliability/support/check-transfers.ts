import type { Anomaly } from './anomaly.js'
import type { Outcome } from './known-outcome.js'

/** One attempt to move an amount from one account to another. */
export interface Transfer {
  readonly from: string
  readonly to: string
  readonly outcome: Outcome
}

/** What one statement saw of the accounts. */
export interface AccountsRead {
  /** How it was read. */
  readonly by: string
  readonly balances: readonly number[]
}

/** All that happened to a set of accounts. */
export interface TransferHistory {
  readonly total: number
  readonly transfers: readonly Transfer[]
  readonly reads: readonly AccountsRead[]
  /** The version of each account at the end; 1 for one that no transfer has touched. */
  readonly versions: ReadonlyMap<string, number>
}

/** I7: the sum is the same in every read. And each transfer that was acknowledged is there, and no other (I1, I2). */
export function checkTransfers(history: TransferHistory): readonly Anomaly[] {
  return [...checkSums(history), ...checkVersions(history)]
}

function checkSums({ reads, total, versions }: TransferHistory): readonly Anomaly[] {
  return reads.flatMap(({ by, balances }): readonly Anomaly[] => {
    if (balances.length !== versions.size) {
      return [{ name: 'missing account', subject: `${by}: ${balances.length} of ${versions.size}` }]
    }
    const sum = balances.reduce((all, balance) => all + balance, 0)
    return sum === total ? [] : [{ name: 'sum', subject: `${by}: ${sum} instead of ${total}` }]
  })
}

/** Each transfer makes one version of both its accounts. */
function checkVersions({ transfers, versions }: TransferHistory): readonly Anomaly[] {
  return [...versions].flatMap(([account, version]): readonly Anomaly[] => {
    const touching = transfers.filter(({ from, to }) => from === account || to === account)
    const count = (wanted: Outcome): number => touching.filter(({ outcome }) => outcome === wanted).length
    const least = 1 + count('ok')
    const subject = `${account}: version ${version}, ${least - 1} transfers acknowledged`
    if (version < least) return [{ name: 'lost', subject }]
    return version > least + count('unknown') ? [{ name: 'unacknowledged', subject }] : []
  })
}
