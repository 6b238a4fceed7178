import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { publicPackages, root } from './workspace.js'

const licences = ['LICENSE-MIT', 'LICENSE-APACHE']
const folders = publicPackages().map(({ folder }) => folder)

test.each(folders)('%s carries copies of both licences, as they stand at the root', (folder) => {
  for (const licence of licences) {
    const copy = join(root, folder, licence)
    const fix = `cp ${licence} ${folder}/`
    expect(existsSync(copy) && readFileSync(copy, 'utf8'), fix).toBe(readFileSync(join(root, licence), 'utf8'))
  }
})
