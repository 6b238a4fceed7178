import { fileURLToPath } from 'node:url'
import { useDatabase } from '@rillflow/testing/vitest'
import { expect, test } from 'vitest'
import { runBundled } from './support/run-bundled.js'

const database = useDatabase({ max: 1 })
const main = fileURLToPath(new URL('../src/main.ts', import.meta.url))

const story = `
Ada and Bob come from a bank that kept its books on paper.
  89 events of the last three months are taken over.
  1 account has 82 events and no snapshot: 1 is taken.
Cyd opens an account, and clicks twice.
  AggregateExists: there is one account all the same.
Cyd pays 50.00 € in, and asks for 80.00 €.
  Refused: Cyd's account holds 50.00 €, and was asked for 80.00 €.
Ada sends Cyd 200.00 €.
  Ada has 4600.00 €, Cyd has 250.00 €.
Bob sends 100.00 € to an account that is not there.
  AggregateNotFound: Bob has 6300.00 €, as before.
Sixteen transfers at once, between three accounts and in both directions.
  Ada has 4610.00 €, Bob has 6290.00 €, Cyd has 250.00 €.
Ada wants a statement as of the end of last month.
  Ada had 4800.00 € after 81 movements.
The doors are closed, and the money is counted.
  Paid in 12650.00 €, paid out 1500.00 €; 3 accounts hold 11150.00 €.
  Not a cent is missing.
`

test('the program tells its story, ends by itself, and does so again on what it left', async () => {
  const env = { DATABASE_URL: database.url }
  expect(`\n${await runBundled(main, env)}`).toBe(story)
  expect(await runBundled(main, env)).toContain('6 accounts hold 22300.00 €.\n  Not a cent is missing.\n')
})
