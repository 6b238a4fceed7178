import type { Pool } from 'pg'
import type { Random } from './children/random.mjs'

/** Clients that work side by side. */
export interface ClientsRun<Client> {
  readonly clients: readonly Client[]
  /** How many turns each of them has. */
  readonly turns: number
  readonly random: Random
  readonly turn: (client: Client, turn: number) => Promise<void>
  /** Ends one of their connections. */
  readonly fault: () => Promise<void>
  /** In which share of the turns; and once at least, half-way through, whatever the seed. */
  readonly faults: number
}

/** Lets every client have its turns, one after the other, all clients at once. */
export async function runClients<Client>(run: ClientsRun<Client>): Promise<void> {
  const { clients, turns, random, turn, fault, faults } = run
  await Promise.all(
    clients.map(async (client, place) => {
      const surely = place === 0 ? Math.floor(turns / 2) : -1
      for (let at = 0; at < turns; at += 1) {
        if (random.chance(faults) || at === surely) await fault()
        await turn(client, at)
      }
    }),
  )
}

/** Ends one connection of this name on the server, one that is at work if there is any; false when there is none. */
export async function terminateOne(direct: Pool, applicationName: string): Promise<boolean> {
  const { rowCount } = await direct.query(
    `select pg_terminate_backend(pid) from (
      select pid from pg_stat_activity where application_name = $1 order by state = 'idle', random() limit 1) victim`,
    [applicationName],
  )
  return rowCount !== 0
}
