import { createStore } from '@rillflow/core'

await using store = createStore({ connection: process.env.DATABASE_URL, modules: {} })

await store.transaction(async (tx) => {
  await tx.sql`create table accounts (id text primary key, balance int not null check (balance >= 0))`
  await tx.sql`insert into accounts values ('ada', 100), ('bob', 0)`
})

const amount = 30
const accounts = await store.transaction(async (tx) => {
  await tx.sql`update accounts set balance = balance - ${amount} where id = 'ada'`
  await tx.sql`update accounts set balance = balance + ${amount} where id = 'bob'`
  return tx.sql<{ id: string; balance: number }>`select * from accounts order by id`
})
console.log(accounts) // [{ id: 'ada', balance: 70 }, { id: 'bob', balance: 30 }]
