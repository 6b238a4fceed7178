import { typed } from '@rillflow/core'
import { expectTypeOf } from 'vitest'
import { defineCollection, type Patch, type Place, type ValueAt } from '../src/index.js'

interface Order {
  readonly id: string
  readonly total: number
  readonly tags: readonly string[]
  readonly lines?: readonly { readonly sku: string; readonly count: number }[]
  readonly address: { readonly city: string; readonly zip?: string } | null
  readonly 'odd.key': number
}

export const Orders = defineCollection('orders', { schema: typed<Order>() })

expectTypeOf<ValueAt<Order, 'lines[0].count'>>().toEqualTypeOf<number>()
expectTypeOf<ValueAt<Order, 'lines[3]'>>().toEqualTypeOf<{ readonly sku: string; readonly count: number }>()
expectTypeOf<ValueAt<Order, 'address'>>().toEqualTypeOf<{ readonly city: string; readonly zip?: string } | null>()
expectTypeOf<ValueAt<Order, readonly ['lines', 0, 'sku']>>().toEqualTypeOf<string>()
expectTypeOf<ValueAt<Order, readonly ['odd.key']>>().toEqualTypeOf<number>()
expectTypeOf<'lines[0].count' | 'lines[-1]' | 'address.zip' | 'tags[2]'>().toExtend<Place<Order>>()

interface Tree {
  readonly id: string
  readonly label: string
  readonly children: readonly Tree[]
}

export function places(patch: Patch<Order>, tree: Patch<Tree>): void {
  patch.set('total', 5).set('tags', []).set('tags[0]', 'a').set('lines[0].sku', 'a').set('address.city', 'a')
  patch.set('address', null).set(['lines', 0, 'sku'], 'a').set(['odd.key'], 5).setIfMissing('address.zip', 'z')
  patch.increment('total').increment('lines[-1].count', 2).increment(['odd.key'])
  patch.append('tags', 'a', 'b').append('lines', { sku: 'a', count: 1 }).insert('tags', 0, 'a')
  patch.remove('address.zip').remove(['tags', 0]).rename('total', 'sum').duplicate('address.city', 'tags[0]')
  tree.set('children[0].children[1].label', 'deep').append('children[0].children', { id: 'x', label: '', children: [] })

  // @ts-expect-error no such property
  patch.set('totl', 5)
  // @ts-expect-error no such nested property
  patch.set('address.street', 'a')
  // @ts-expect-error the value has another type
  patch.set('total', '5')
  // @ts-expect-error the element has another type
  patch.set('tags[0]', 5)
  // @ts-expect-error the nested value has another type
  patch.set('lines[0].count', 'a')
  // @ts-expect-error the value at the segments has another type
  patch.set(['lines', 0, 'count'], 'a')
  // @ts-expect-error an index where an object stands
  patch.set('address[0]', 'a')
  // @ts-expect-error a name where an array stands
  patch.set('tags.first', 'a')
  // @ts-expect-error the id never changes
  patch.set('id', 'a')
  // @ts-expect-error not a number
  patch.increment('tags')
  // @ts-expect-error not an array
  patch.append('total', 5)
  // @ts-expect-error an element of another type
  patch.append('tags', 5)
  // @ts-expect-error an element of another type
  patch.insert('tags', 0, 5)
  // @ts-expect-error no such property
  patch.remove('nothing')
  // @ts-expect-error a number does not fit where text stands
  patch.duplicate('total', 'address.city')
}
