import { defineStatement, InvalidArgumentError, safeInteger, type Scope, type TransactionScope } from '@rillflow/core'
import { ConsumerNotFoundError } from '../errors.js'
import { interruptConsumer } from './control.js'
import { checkName, checkWhole, type ConsumerKey, type ConsumerKind } from './consumer-key.js'
import type { ErrorRecord } from './error-record.js'

/** An event that a consumer could not handle, or that waits behind one. */
export interface DeadLetter {
  readonly id: string
  readonly name: string
  readonly group: string
  readonly position: number
  readonly streamId: string
  readonly eventId: string
  readonly type: string
  /** Whether later events of its stream wait for it. */
  readonly parks: boolean
  /** True for one that was never tried, because it waits for another of its stream. */
  readonly waiting: boolean
  readonly attempts: number
  readonly error: ErrorRecord | undefined
  /** True from requeueing until a worker has tried it again. */
  readonly requeued: boolean
  readonly createdAt: Date
}

/** Which letters are listed. */
export interface ListLettersOptions {
  readonly group?: string | undefined
  /** Letters behind this id; the first ones unless told. */
  readonly after?: string | undefined
  /** 100 unless told. */
  readonly limit?: number | undefined
}

/** What can be done with what was put aside. */
export interface DeadLetters {
  /** The oldest first. */
  list(name?: string, options?: ListLettersOptions): Promise<readonly DeadLetter[]>
  /**
   * Has a letter tried again: that event alone, or, where later ones of its stream wait for it, exactly those of its
   * stream that were put aside, in order. Nothing else is handled again.
   *
   * @throws ConsumerNotFound
   */
  requeue(id: string): Promise<void>
  /** The same for all letters of a consumer; how many there are. */
  requeueAll(name: string, options?: { readonly group?: string | undefined }): Promise<number>
  /**
   * Gives an event up. Those that wait behind it in its stream stay until they are requeued.
   *
   * @throws ConsumerNotFound
   */
  delete(id: string): Promise<void>
}

type LetterRow = readonly [
  id: string,
  name: string,
  group: string,
  position: string,
  streamId: string,
  eventId: string,
  type: string,
  parks: boolean,
  waiting: boolean,
  attempts: number,
  error: string | null,
  requeued: boolean,
  createdAt: string,
]

const listStatement = defineStatement(
  'list_dead_letters',
  (schema) => `select l.letter_id::text as id, c.name, c.group_name, l.position::text as position, l.stream_id,
    l.event_id::text as event_id, l.type, l.parks, l.waiting, l.attempts, l.error::text as error,
    l.requeued_at is not null as requeued, (extract(epoch from l.created_at) * 1000)::bigint::text as created_at
  from ${schema}.dead_letters l join ${schema}.consumers c on c.consumer_id = l.consumer_id
  where c.kind = $1::text and ($2::text is null or c.name = $2::text) and ($3::text is null or c.group_name = $3::text)
    and l.letter_id > $4::bigint
  order by l.letter_id limit $5::int`,
)

const ownerStatement = defineStatement(
  'owner_of_letter',
  (schema) => `select c.name, c.group_name, l.consumer_id::text as consumer_id, l.stream_id, l.parks
  from ${schema}.dead_letters l join ${schema}.consumers c on c.consumer_id = l.consumer_id
  where l.letter_id = $1::bigint and c.kind = $2::text`,
)

type OwnerRow = readonly [name: string, group: string, consumerId: string, streamId: string, parks: boolean]

/**
 * Marks what is to be tried again. A letter that the checkpoint has not passed goes instead: its event comes again by
 * itself, and would be handled twice.
 */
function defineRequeue(operation: string, selected: string): ReturnType<typeof defineStatement> {
  return defineStatement(
    operation,
    (schema) => `with ahead as (
    delete from ${schema}.dead_letters l using ${schema}.consumers c
    where ${selected} and l.consumer_id = c.consumer_id and l.position > c.position returning l.letter_id),
  passed as (
    update ${schema}.dead_letters l set requeued_at = now() from ${schema}.consumers c
    where ${selected} and l.consumer_id = c.consumer_id and l.position <= c.position returning l.letter_id)
  select letter_id::text as letter_id from ahead union all select letter_id::text from passed`,
  )
}

const requeueStatement = defineRequeue(
  'requeue_letters',
  `(l.letter_id = $1::bigint or ($4::boolean and l.consumer_id = $2::bigint and l.stream_id = $3::text and l.parks))`,
)

const requeueAllStatement = defineRequeue(
  'requeue_all_letters',
  'c.kind = $1::text and c.name = $2::text and c.group_name = $3::text',
)

const deleteStatement = defineStatement(
  'delete_letter',
  (schema) => `delete from ${schema}.dead_letters l where l.letter_id = $1::bigint`,
)

/** The dead letters of one kind of consumers. */
export function deadLettersOf(scope: Scope, kind: ConsumerKind): DeadLetters {
  return {
    async list(name, { group, after = '0', limit = 100 } = {}) {
      if (name !== undefined) checkName('name', name)
      checkId(after)
      checkWhole('limit', limit, [1, 10_000])
      const { schema } = await scope.target()
      const { rows } = await scope.query<LetterRow>(
        listStatement(schema, [kind, name ?? null, group ?? null, after, limit]),
      )
      return rows.map(toLetter)
    },
    requeue: (id) =>
      onLetter(scope, { kind, id }, async (inside, schema, [, , consumerId, streamId, parks]) => {
        await inside.query(requeueStatement(schema, [id, consumerId, streamId, parks]))
      }),
    async requeueAll(name, { group = '' } = {}) {
      checkName('name', name)
      return scope.transaction(async (inside) => {
        await interruptConsumer(inside, { kind, name, group })
        const { schema } = await inside.target()
        const { rowCount } = await inside.query(requeueAllStatement(schema, [kind, name, group]))
        return rowCount
      })
    },
    delete: (id) =>
      onLetter(scope, { kind, id }, async (inside, schema) => {
        await inside.query(deleteStatement(schema, [id]))
      }),
  }
}

/** Changes a letter after its consumer's workers were interrupted: what they are about to do is done, or undone. */
async function onLetter(
  scope: Scope,
  { kind, id }: { readonly kind: ConsumerKind; readonly id: string },
  change: (inside: TransactionScope, schema: string, owner: OwnerRow) => Promise<void>,
): Promise<void> {
  checkId(id)
  await scope.transaction(async (inside) => {
    const { schema } = await inside.target()
    const { rows } = await inside.query<OwnerRow>(ownerStatement(schema, [id, kind]))
    const [owner] = rows
    if (owner === undefined) throw new ConsumerNotFoundError(`dead letter ${id} of a ${kind}`)
    const key: ConsumerKey = { kind, name: owner[0], group: owner[1] }
    await interruptConsumer(inside, key)
    await change(inside, schema, owner)
  })
}

function checkId(id: unknown): void {
  if (typeof id === 'string' && /^\d{1,18}$/.test(id)) return
  throw new InvalidArgumentError('id', 'The id of a dead letter is a string of digits, as `list` gives it.')
}

function toLetter(row: LetterRow): DeadLetter {
  const [id, name, group, position, streamId, eventId, type, parks, waiting, attempts, error, requeued, createdAt] = row
  return {
    id,
    name,
    group,
    position: safeInteger(position, 'position'),
    streamId,
    eventId,
    type,
    parks,
    waiting,
    attempts,
    error: error === null ? undefined : (JSON.parse(error) as ErrorRecord),
    requeued,
    createdAt: new Date(Number(createdAt)),
  }
}
