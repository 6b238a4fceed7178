import type { AnyCondition } from './condition.js'

/** How a field orders. */
export interface Sort {
  readonly field: string
  readonly descending: boolean
  /** Where absent fields and nulls stand; undefined where their place among the values is. */
  readonly nullsFirst: boolean | undefined
}

/** Another document that comes along with each row. */
export interface Inclusion {
  readonly name: string
  readonly collection: string
  readonly field: string
}

/** Everything that a query was told; values never change, a further call makes another one. */
export interface QueryState {
  readonly conditions: readonly AnyCondition[]
  readonly sorts: readonly Sort[]
  readonly limit?: unknown
  readonly offset?: unknown
  readonly after?: string | undefined
  readonly deleted: 'without' | 'with' | 'only'
  readonly fields?: readonly string[] | undefined
  readonly metadata: boolean
  readonly inclusions: readonly Inclusion[]
}

/** Every live document, by id. */
export const everything: QueryState = {
  conditions: [],
  sorts: [],
  deleted: 'without',
  metadata: false,
  inclusions: [],
}
