const columns = `position, xid::text as xid, version, type, event_id as id, stream_id as "streamId"`

const byPosition = (schema) => `select ${columns} from ${schema}.events
  where $1::xid8 is not null and position > $2::bigint order by position limit $3`

const byTransaction = (schema, gate) => `select ${columns} from ${schema}.events
  where (xid, position) > ($1::xid8, $2::bigint) and xid < ${gate}(pg_current_snapshot())
  order by xid, position limit $3`

/** Each takes the transaction and the position of the last event, and the size of a page. */
const statements = {
  position: byPosition,
  transactionId: (schema) => byTransaction(schema, 'pg_snapshot_xmin'),
  snapshotXmax: (schema) => byTransaction(schema, 'pg_snapshot_xmax'),
}

/**
 * Readers that are known to be wrong. They need a column `xid xid8 default pg_current_xact_id()` in the table of events.
 *
 * `query` runs one statement and gives its rows as objects.
 */
export function wrongFeed(query, schema, feed) {
  return feed === 'rowsFirst' ? rowsFirst(query, schema) : rowsAlone(query, statements[feed](schema))
}

/** Believes that nothing can appear below the last row it saw. */
function rowsAlone(query, text) {
  let last = { xid: '0', position: 0 }
  return {
    async next(size) {
      const rows = await query(text, [last.xid, last.position, size])
      last = rows.at(-1) ?? last
      return rows.map(toEvent)
    },
  }
}

/** Knows of the safe head, and asks for it after the rows. */
function rowsFirst(query, schema) {
  let checkpoint = 0
  return {
    async next(size) {
      const rows = await query(byPosition(schema), ['0', checkpoint, size])
      const [{ head }] = await query(`select ${schema}.safe_head() as head`, [])
      checkpoint = Number(head)
      return rows.map(toEvent).filter(({ position }) => position <= checkpoint)
    },
  }
}

function toEvent({ position, version, type, id, streamId }) {
  return { position: Number(position), version: Number(version), type, id, streamId }
}
