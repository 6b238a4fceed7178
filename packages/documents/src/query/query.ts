import type { StandardSchemaV1 } from '@rillflow/core'
import type { Collection } from '../collections/define-collection.js'
import type { FieldOf, FieldValue } from '../collections/field-types.js'
import type { StoredDocument } from '../stored-document.js'
import type { Aggregated, AggregateSpec } from './aggregates.js'
import type { Condition } from './condition.js'
import type { Explanation } from './explain-query.js'
import type { Operand } from './param.js'

/** How a field orders. */
export interface OrderOptions {
  /** `asc` unless told. */
  readonly direction?: 'asc' | 'desc' | undefined
  /**
   * Where absent fields and nulls stand. Left out they are the least of all values, which an index on the field has in
   * order; the other end costs a sort.
   */
  readonly nulls?: 'first' | 'last' | undefined
}

/** One page of rows. */
export interface Page<Row = unknown> {
  readonly rows: readonly Row[]
  /** What to give as `after` for the next page; undefined behind the last one. */
  readonly next: string | undefined
}

/** The fields that were selected, under their dotted names; one that is absent is left out. */
export type Selected<Document, Field extends FieldOf<Document>> = {
  readonly [Name in Field]: FieldValue<Document, Name> | undefined
}

type RowOf<Doc, Extra> = Extra extends object ? StoredDocument<Doc> & Extra : Doc

/**
 * Documents to be found. Nothing is sent before a method that gives a promise is called, or the query is iterated; each
 * other method makes another query and leaves this one as it is. Each promise is one statement.
 *
 * Values of all types may stand in a field: text comes before numbers, then booleans, arrays and objects; absent fields
 * and nulls are before them all. The id is always the last word, so that every order is total.
 */
export interface Query<Document, Doc = Document, Extra = undefined> extends AsyncIterable<RowOf<Doc, Extra>> {
  /** Asks for a further condition. */
  where(condition: Condition<Document>): Query<Document, Doc, Extra>
  /** Orders by a field, behind those named before. */
  orderBy(field: FieldOf<Document>, order?: 'asc' | 'desc' | OrderOptions): Query<Document, Doc, Extra>
  /** At most so many rows. */
  limit(count: Operand<number>): Query<Document, Doc, Extra>
  /** Without so many of the first rows. It reads what it leaves out; a cursor does not. */
  offset(count: Operand<number>): Query<Document, Doc, Extra>
  /** Only what comes behind a page: its `next`. */
  after(cursor: string): Query<Document, Doc, Extra>
  /** Also the soft-deleted ones. */
  withDeleted(): Query<Document, Doc, Extra>
  /** The soft-deleted ones alone. */
  onlyDeleted(): Query<Document, Doc, Extra>
  /** Rows have these fields alone, under their dotted names. */
  select<const Field extends FieldOf<Document>>(
    ...fields: readonly Field[]
  ): Query<Document, Selected<Document, Field>, Extra>
  /** Rows are `{ id, version, createdAt, updatedAt, deletedAt, doc }`. */
  withMetadata(): Query<Document, Doc, Extra extends object ? Extra : object>
  /**
   * Rows also have `included[name]`: the live document of another collection whose id stands in the field, read by the
   * same statement.
   */
  include<const Name extends string, Other extends Collection>(
    name: Name,
    collection: Other,
    field: FieldOf<Document>,
  ): Query<Document, Doc, IncludedIn<Extra> & { readonly included: { readonly [Key in Name]: Included<Other> } }>

  /** All rows. */
  all(): Promise<RowOf<Doc, Extra>[]>
  /** The first row, if any. */
  first(): Promise<RowOf<Doc, Extra> | undefined>
  /** The only row, if any. @throws NotSingle when there are several. */
  optional(): Promise<RowOf<Doc, Extra> | undefined>
  /** The only row. @throws NotSingle when there is none, or several. */
  one(): Promise<RowOf<Doc, Extra>>
  /** How many there are, whatever the limit. */
  count(): Promise<number>
  /** One page, with the cursor of the next one. A page behind a cursor costs what the first one costs. */
  page(size: number, after?: string): Promise<Page<RowOf<Doc, Extra>>>
  /** Rows one by one, read in pages: of any number, in constant memory. `for await` on the query has pages of 500. */
  iterate(options?: { readonly pageSize?: number | undefined }): AsyncIterable<RowOf<Doc, Extra>>
  /** Figures over everything that is found, whatever the order and the limit. */
  aggregate<const Spec extends AggregateSpec<Document>>(spec: Spec): Promise<Aggregated<Document, Spec>>
  /** Figures for each combination of values in these fields, in their order; absent and null are one. */
  groupBy<const Field extends FieldOf<Document>>(...fields: readonly Field[]): Grouping<Document, Field>
  /** How PostgreSQL would run {@link Query.all}, and which declared indexes it would use. */
  explain(): Promise<Explanation>
}

type IncludedIn<Extra> = Extra extends object ? Extra : object
type Included<Other extends Collection> = StandardSchemaV1.InferOutput<Other['schema']> | undefined

/** Documents in groups. */
export interface Grouping<Document, Field extends FieldOf<Document>> {
  aggregate<const Spec extends AggregateSpec<Document>>(
    spec: Spec,
  ): Promise<
    (Aggregated<Document, Spec> & {
      readonly group: { readonly [Name in Field]: FieldValue<Document, Name> | null }
    })[]
  >
}
