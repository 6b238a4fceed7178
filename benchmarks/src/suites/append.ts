import { defineSuite } from '../harness/suite.js'
import { act } from '../stores/act.js'
import { emmett } from '../stores/emmett.js'
import { plainPg, plainTransactions } from '../stores/plain-pg.js'
import { postgresJs } from '../stores/postgres-js.js'
import { rillflow } from '../stores/rillflow.js'
import { appending } from './append-work.js'
import { pgbenchAppend } from './pgbench-append.js'

const CASES = [
  { name: '1 caller', callers: 1 },
  { name: '8 callers', callers: 8 },
  { name: '32 callers', callers: 32 },
]

const contendersAppending = (events: number) => ({
  rillflow: appending(rillflow, events),
  emmett: appending(emmett, events),
  act: appending(act, events),
  'pg, transaction': appending(plainTransactions, events),
  'pg, one statement': appending(plainPg, events),
  'postgres.js, one statement': appending(postgresJs, events),
})

/** One event at a time. */
export const append1 = defineSuite({
  name: 'append-1',
  title: 'Append one event',
  unit: 'appends/s',
  better: 'higher',
  subject: 'rillflow',
  cases: CASES,
  contenders: { ...contendersAppending(1), pgbench: pgbenchAppend },
  targets: [
    { case: '1 caller', against: 'emmett', atLeast: 1.9 },
    { case: '8 callers', against: 'emmett', atLeast: 3.2 },
    { case: '32 callers', against: 'emmett', atLeast: 6 },
    { case: '1 caller', against: 'pgbench', atLeast: 0.8 },
    { case: '8 callers', against: 'pgbench', atLeast: 1 },
    { case: '32 callers', against: 'pgbench', atLeast: 1.7 },
  ],
})

/** Ten events at a time. */
export const append10 = defineSuite({
  name: 'append-10',
  title: 'Append ten events at once',
  unit: 'appends/s',
  better: 'higher',
  subject: 'rillflow',
  cases: CASES,
  contenders: contendersAppending(10),
  targets: [
    { case: '1 caller', against: 'emmett', atLeast: 1.8 },
    { case: '8 callers', against: 'emmett', atLeast: 2.2 },
    { case: '32 callers', against: 'emmett', atLeast: 2.8 },
  ],
})
