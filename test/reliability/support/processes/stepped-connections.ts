import pg from 'pg'
import type { Steps } from './steps.js'

interface Query {
  readonly text: string
}

interface Answer {
  readonly rows: readonly unknown[]
}

/** Sends a statement, and gives its answer. */
export type Send = (query: Query) => Promise<Answer>

/** How it is seen what a process sends. */
export interface Watch {
  readonly steps: Steps
  /** Makes what names the statements of one connection; undefined for those that are no place. */
  readonly naming: () => (text: string) => string | undefined
  /** Sends what a process would that was built wrong. */
  readonly mistakenly?: ((send: Send, query: Query) => Promise<Answer>) | undefined
}

/**
 * A real pool that reaches a place before, while and after each statement, by its name. After one that reads events, or
 * leases, it is reached only when there are some.
 */
export function steppedConnections(config: pg.PoolConfig, watch: Watch): pg.Pool {
  const pool = new pg.Pool(config)
  pool.on('error', () => undefined)
  pool.on('connect', (client) => {
    client.on('error', () => undefined)
    const send = client.query.bind(client) as unknown as Send
    Object.assign(client, { query: stepping(send, watch) })
  })
  return pool
}

const givesRows = new Set(['claim_leases', 'read_all_asc'])

function stepping(send: Send, { steps, naming, mistakenly }: Watch): Send {
  const nameOf = naming()
  return async (query) => {
    const name = nameOf(query.text)
    if (name === undefined) return send(query)
    await steps.reach('statement')
    await steps.reach(`before ${name}`)
    const answer = mistakenly === undefined ? send(query) : mistakenly(send, query)
    const dying = steps.next(`while ${name}`)
    // What is sent stands in the socket, and the server goes on with it alone.
    if (dying !== undefined) await steps.act(dying)
    const result = await answer
    if (!givesRows.has(name) || result.rows.length > 0) await steps.reach(`after ${name}`)
    return result
  }
}
