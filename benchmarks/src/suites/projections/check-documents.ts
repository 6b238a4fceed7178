import type { Round } from '../../harness/suite.js'
import { runOnce } from '../../stores/pool.js'

/** Where a contender keeps what is compared, as SQL. */
export interface ProjectedTables {
  /** A query with `position`, `stream_id` and `data` of each event. */
  readonly events: string
  /** A query with `id` and `doc` of each document. */
  readonly documents: string
  /** The key of an event of `events`. */
  readonly key: string
}

/** The key by stream. */
export const BY_STREAM = 'stream_id'
/** The key by customer. */
export const BY_CUSTOMER = `data ->> 'customerId'`

/** What the database says of a projection. */
export interface Projected {
  /** Events in the store. */
  readonly stored: number
  /** Events in the documents. */
  readonly events: number
  readonly documents: number
  /** Documents that are not what the first {@link Projected.events} events come to, and those that are missing. */
  readonly wrong: number
}

interface Counts {
  readonly stored: string
  readonly events: string
  readonly documents: string
  readonly wrong: string
}

/** Compares the documents with what SQL makes of the events. */
export async function checkDocuments(url: string, { events, documents, key }: ProjectedTables): Promise<Projected> {
  const [counts] = await runOnce<Counts & Record<string, string>>(
    url,
    `
with stored as materialized (${events}), kept as materialized (
  select id, (doc ->> 'orders')::bigint as orders, round((doc ->> 'total')::numeric, 2) as total,
    (doc ->> 'quantity')::bigint as quantity, doc ->> 'lastOrder' as last_order
  from (${documents}) as d
), projected as (
  select coalesce(sum(orders), 0)::bigint as events from kept
), expected as (
  select ${key} as id, count(*) as orders, sum((data ->> 'total')::numeric) as total,
    sum((data -> 'lines' -> 0 ->> 'quantity')::bigint)::bigint as quantity,
    (array_agg(data ->> 'orderId' order by position desc))[1] as last_order
  from (select * from stored order by position limit (select events from projected)) as done
  group by 1
)
select (select count(*) from stored) as stored, (select events from projected) as events, count(k.id) as documents,
  count(*) filter (where row(e.orders, e.total, e.quantity, e.last_order)
    is distinct from row(k.orders, k.total, k.quantity, k.last_order)) as wrong
from expected e full join kept k on k.id = e.id`,
  )
  if (!counts) throw new Error('The documents could not be counted.')
  return {
    stored: Number(counts.stored),
    events: Number(counts.events),
    documents: Number(counts.documents),
    wrong: Number(counts.wrong),
  }
}

/** Notes on a round what the check has found; `isCut` says that it was ended before its work was. */
export function markWrong(round: Round, { stored, events, documents, wrong }: Projected, isCut = false): Round {
  const faults = [
    round.note,
    events !== stored && !isCut && `${events} of ${stored} events in the documents`,
    wrong > 0 && `wrong or missing documents: ${wrong}, and ${documents} there`,
  ]
  return { ...round, note: faults.filter(Boolean).join(', ') || undefined }
}
