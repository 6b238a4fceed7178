import type { ImportEventOf } from '@rillflow/events'
import type { AccountEvents } from './account.js'
import type { Bank } from './bank.js'

type BookEntry = ImportEventOf<{ readonly account: typeof AccountEvents }>

/** The last three months of two accounts, as the books on paper have them, in the order of their days. */
export function* oldBooks(ada: string, bob: string, today: Date): Generator<BookEntry> {
  for (const month of [-3, -2, -1]) {
    const on = (day: number): Date => dayOf(today, month, day)
    if (month === -3) {
      yield { streamId: ada, createdAt: on(1), type: 'Opened', data: { owner: 'Ada' } }
      yield { streamId: bob, createdAt: on(1), type: 'Opened', data: { owner: 'Bob' } }
    }
    yield { streamId: ada, createdAt: on(1), type: 'Deposited', data: { amount: 240_000 } }
    yield { streamId: bob, createdAt: on(1), type: 'Deposited', data: { amount: 180_000 } }
    yield { streamId: ada, createdAt: on(3), type: 'TransferSent', data: { to: bob, amount: 30_000 } }
    yield { streamId: bob, createdAt: on(3), type: 'TransferReceived', data: { from: ada, amount: 30_000 } }
    for (let day = 4; day <= 28; day += 1) {
      yield { streamId: ada, createdAt: on(day), type: 'Withdrawn', data: { amount: 2_000 } }
    }
  }
}

/** Takes the books over, with the days on which things happened: history need not begin with the software. */
export async function takeOver(bank: Bank, ada: string, bob: string): Promise<number> {
  const { events } = await bank.events.import(oldBooks(ada, bob, new Date()), { name: `the books of ${ada}` })
  return events
}

/** The last moment of the month before. */
export function endOfLastMonth(today: Date): Date {
  return new Date(dayOf(today, 0, 1).getTime() - 1)
}

function dayOf(today: Date, months: number, day: number): Date {
  return new Date(Date.UTC(today.getUTCFullYear(), today.getUTCMonth() + months, day))
}
