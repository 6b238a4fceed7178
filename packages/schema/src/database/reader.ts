import type { Connection } from '@rillflow/core'

/** A connection or a transaction. */
export type Reader = Pick<Connection, 'query'>
