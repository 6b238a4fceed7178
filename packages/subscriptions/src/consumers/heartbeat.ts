import { before, defineStatement, type Logger, type Scope } from '@rillflow/core'
import type { Lease } from './lease.js'

/** In the order of partitions, as all do that lock several of them. */
const renewStatement = defineStatement(
  'renew_leases',
  (schema) => `with held as materialized (
    select c.consumer_id from ${schema}.consumers c
      join unnest($1::bigint[], $2::bigint[]) as asked (consumer_id, epoch) on asked.consumer_id = c.consumer_id and asked.epoch = c.epoch
    where c.lease_owner = $3::uuid order by c.partition for no key update of c)
  update ${schema}.consumers c set lease_until = clock_timestamp() + $4::int * interval '1 millisecond'
  from held where c.consumer_id = held.consumer_id
  returning c.consumer_id::text as consumer_id, c.epoch::text as epoch, c.max_in_flight,
    coalesce(c.handover_until > clock_timestamp(), false) as wanted`,
)

type RenewedRow = readonly [consumerId: string, epoch: string, maxInFlight: number, wanted: boolean]

/** A heartbeat also brings what operators have done meanwhile, which no long lease may put off; in milliseconds. */
const longestSilence = 2_000

/** Renews all leases that this process holds in one schema, with one statement. */
export class Heartbeat {
  readonly #scope: Scope
  readonly #worker: string
  readonly #duration: number
  readonly #logger: Logger
  readonly #held = new Set<Lease>()
  #timer: NodeJS.Timeout | undefined
  #beating: Promise<void> | undefined

  /** `duration` is how long a lease lasts when it is not renewed, in milliseconds; it is renewed three times in it at least. */
  constructor(of: { scope: Scope; worker: string; duration: number; logger: Logger }) {
    this.#scope = of.scope
    this.#worker = of.worker
    this.#duration = of.duration
    this.#logger = of.logger
  }

  /** Keeps a lease until it is dropped or lost. */
  keep(lease: Lease): void {
    this.#held.add(lease)
    this.#schedule()
  }

  drop(lease: Lease): void {
    this.#held.delete(lease)
    if (this.#held.size === 0) clearTimeout(this.#timer)
  }

  /** Resolves when the lease is known to last; rejects when it is lost. */
  async ensure(lease: Lease): Promise<void> {
    while (!lease.isFresh) {
      lease.lost.throwIfAborted()
      await this.#beat()
    }
    lease.lost.throwIfAborted()
  }

  #schedule(): void {
    clearTimeout(this.#timer)
    if (this.#held.size > 0)
      this.#timer = setTimeout(() => void this.#beat(), Math.min(this.#duration / 3, longestSilence))
  }

  async #beat(): Promise<void> {
    this.#beating ??= this.#renew([...this.#held]).finally(() => {
      this.#beating = undefined
      this.#schedule()
    })
    return this.#beating
  }

  async #renew(leases: readonly Lease[]): Promise<void> {
    // Counted from before the statement leaves: the server's clock starts later, and its lease ends later than ours.
    const deadline = performance.now() + this.#duration
    try {
      const answered = await before(deadline, this.#send(leases))
      if (answered === undefined) throw new Error('the renewal was not answered')
      for (const lease of leases) {
        const { consumerId, epoch } = lease.claim
        const row = answered.find((each) => each[0] === consumerId && each[1] === epoch)
        if (row === undefined) lease.lose()
        else lease.renewed(deadline, row[2], row[3])
      }
    } catch (error) {
      this.#logger.warn({ err: error }, 'leases could not be renewed; trying again')
      for (const lease of leases) if (!lease.isFresh) lease.lose()
    }
    for (const lease of leases) if (lease.lost.aborted) this.drop(lease)
  }

  async #send(leases: readonly Lease[]): Promise<readonly RenewedRow[]> {
    const { schema } = await this.#scope.target()
    const ids = leases.map(({ claim }) => claim.consumerId)
    const epochs = leases.map(({ claim }) => claim.epoch)
    const values = [`{${ids.join(',')}}`, `{${epochs.join(',')}}`, this.#worker, this.#duration]
    const { rows } = await this.#scope.query<RenewedRow>(renewStatement(schema, values))
    return rows
  }
}
