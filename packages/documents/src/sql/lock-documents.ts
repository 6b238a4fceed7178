import { defineStatement } from '@rillflow/core'
import { lockRows } from './write-documents.js'

/** Holds the rows of several documents, in the order that every batch takes them in: `[items]`, JSON of `[collection, id]`. */
export const lockDocuments = defineStatement(
  'lock_many',
  (schema) => `with input as materialized (
  select place::int as place, item ->> 0 as collection, item ->> 1 as id
  from jsonb_array_elements($1::jsonb) with ordinality as given (item, place)
), ${lockRows(schema, 'input.place')}
select count(*)::text as locked from found`,
)
