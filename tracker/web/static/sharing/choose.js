// The files that a visitor chose or dropped, as one list.

const JUNK = /^(\.DS_Store|\._.*|Thumbs\.db|ehthumbs\.db|desktop\.ini)$/i // of file managers
const MOST_FILES = 10_000

/** Raised for a choice that cannot be shared; the message is for the visitor. */
export class BadChoice extends Error {}

/**
 * What is shared.
 *
 * @typedef {Object} Choice
 * @property {string} name of the file or the folder.
 * @property {{file: File, path: string[], size: number}[]} files `path` is relative to the folder,
 *   and empty for a file on its own.
 * @property {number} size bytes.
 */

/** Return what was chosen with a file input, one of folders (`webkitdirectory`) included. */
export function chosen (fileList) {
  return choiceOf(Array.from(fileList, (file) => ({
    file, path: (file.webkitRelativePath || file.name).split('/')
  })))
}

/**
 * Return what was dropped. Call it in the event's handler: the browser clears the list after it.
 *
 * @param {DataTransfer} transfer
 */
export async function dropped (transfer) {
  const entries = Array.from(transfer.items, (item) => item.webkitGetAsEntry?.()).filter(Boolean)
  if (entries.length === 0) return chosen(transfer.files)
  const found = []
  for (const entry of entries) await walk(entry, [], found)
  return choiceOf(found)
}

async function walk (entry, parents, found) {
  const path = [...parents, entry.name]
  if (found.length > MOST_FILES) return
  if (entry.isFile) {
    found.push({ file: await new Promise((resolve, reject) => entry.file(resolve, reject)), path })
    return
  }
  const reader = entry.createReader()
  for (;;) { // it returns about a hundred entries at a time
    const children = await new Promise((resolve, reject) => reader.readEntries(resolve, reject))
    if (children.length === 0) return
    for (const child of children) await walk(child, path, found)
  }
}

function choiceOf (found) {
  const files = found.filter(({ path }) => path.length === 1 || !JUNK.test(path.at(-1)))
  if (files.length > MOST_FILES) {
    const most = MOST_FILES.toLocaleString('en')
    throw new BadChoice(`These are more than ${most} files. Put them into an archive, a .zip file for example, and share that.`)
  }
  const size = files.reduce((sum, { file }) => sum + file.size, 0)
  if (files.length === 0) throw new BadChoice('This folder has no files in it.')
  if (size === 0) throw new BadChoice('There is nothing to share: what you chose is empty.')
  return { size, ...named(files) }
}

function named (files) {
  const [first] = files
  if (files.length === 1 && first.path.length === 1) {
    return { name: first.file.name, files: [listed(first.file, [])] }
  }
  const [folder] = first.path
  const common = files.every(({ path }) => path.length > 1 && path[0] === folder)
  const paths = files.map(({ file, path }) => listed(file, common ? path.slice(1) : path))
  paths.sort((a, b) => compare(a.path.join('/'), b.path.join('/'))) // the same each time
  return { name: common ? folder : `${files.length} files`, files: paths }
}

const listed = (file, path) => ({ file, path, size: file.size })
const compare = (a, b) => (a < b ? -1 : a > b ? 1 : 0)
