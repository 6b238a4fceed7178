import { defineSuite } from '../../harness/suite.js'
import { act } from '../../stores/events/act.js'
import { emmett } from '../../stores/events/emmett.js'
import { plainPg, plainTransactions } from '../../stores/events/plain-pg.js'
import { postgresJs } from '../../stores/events/postgres-js.js'
import { rillflow } from '../../stores/events/rillflow.js'
import { appending } from './append-work.js'
import { pgbenchAppend } from './pgbench-append.js'

const CASES = [
  { name: '1 caller', callers: 1 },
  { name: '8 callers', callers: 8 },
  { name: '32 callers', callers: 32 },
]

/** One event at a time. */
export const append1 = defineSuite({
  name: 'append-1',
  about: 'events',
  title: 'Append one event',
  unit: 'appends/s',
  better: 'higher',
  subject: 'rillflow',
  cases: CASES,
  contenders: {
    rillflow: appending(rillflow, 1),
    emmett: appending(emmett, 1),
    act: appending(act, 1),
    'pg, transaction': appending(plainTransactions, 1),
    'pg, one statement': appending(plainPg, 1),
    'postgres.js, one statement': appending(postgresJs, 1),
    pgbench: pgbenchAppend,
  },
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
  about: 'events',
  title: 'Append ten events at once',
  unit: 'appends/s',
  better: 'higher',
  subject: 'rillflow',
  cases: CASES,
  contenders: {
    rillflow: appending(rillflow, 10),
    emmett: appending(emmett, 10),
    'pg, one statement': appending(plainPg, 10),
  },
  targets: [
    { case: '1 caller', against: 'emmett', atLeast: 1.8 },
    { case: '8 callers', against: 'emmett', atLeast: 2.2 },
    { case: '32 callers', against: 'emmett', atLeast: 2.8 },
  ],
})
