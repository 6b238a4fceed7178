import { execFile, type ExecFileOptions } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { publicPackages, root, rootManifest } from './workspace.js'

/** An empty project outside the checkout with every public package installed from its tarball, and `pg` and `zod`. */
export interface PackedProject {
  readonly folder: string
  /** The files of each package's tarball, by the package's name. */
  readonly packedFiles: ReadonlyMap<string, readonly string[]>
  /** Runs Node in the project; returns what it printed, throws when it fails. */
  node(args: readonly string[], env?: Readonly<Record<string, string>>): Promise<string>
  remove(): Promise<void>
}

/** Packs, then installs by npm, as a user would. The packages have to be built. */
export async function installPacked(): Promise<PackedProject> {
  const folder = await mkdtemp(join(tmpdir(), 'rillflow-user-'))
  const packed = await Promise.all(publicPackages().map((one) => pack(one.folder, join(folder, 'tarballs'))))
  await mkdir(join(folder, 'src'))
  const { pg, zod } = rootManifest().devDependencies ?? {}
  const tarballs = Object.fromEntries(packed.map(({ name, filename }) => [name, `file:${filename}`]))
  const manifest = { name: 'user', private: true, type: 'module', dependencies: { ...tarballs, pg, zod } }
  await writeFile(join(folder, 'package.json'), JSON.stringify(manifest))
  // Optional ones are the embedded server's binaries, 100 MB that no program needs.
  const flags = ['--prefer-offline', '--omit=optional', '--no-audit', '--no-fund', '--no-update-notifier']
  await run('npm', ['install', ...flags], { cwd: folder })
  return {
    folder,
    packedFiles: new Map(packed.map(({ name, files }) => [name, files.map(({ path }) => path)])),
    node: (args, env = {}) => run(process.execPath, args, { cwd: folder, env: { ...process.env, ...env } }),
    remove: () => rm(folder, { recursive: true, force: true }),
  }
}

interface Packed {
  readonly name: string
  readonly filename: string
  readonly files: readonly { readonly path: string }[]
}

async function pack(folder: string, destination: string): Promise<Packed> {
  const args = ['pack', '--json', '--pack-destination', destination]
  return JSON.parse(await run('pnpm', args, { cwd: join(root, folder) })) as Packed
}

/** What the command printed; a failure's message holds it, since a compiler tells its errors there. */
function run(command: string, args: readonly string[], options: ExecFileOptions): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(command, args, { ...options, encoding: 'utf8' }, (error, stdout, stderr) =>
      error ? reject(new Error(`${error.message}\n${stdout}${stderr}`)) : resolve(stdout),
    )
  })
}
