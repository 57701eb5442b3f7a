// What all pages share: the mark that scripts run, and buttons that copy.

const SHOWN_MS = 2000 // how long a button reports that it copied

document.documentElement.classList.add('script')

document.addEventListener('click', async event => {
  const button = event.target.closest?.('.copy[data-copy-from]')
  if (!button) return
  const source = document.querySelector(button.dataset.copyFrom)
  const text = 'value' in source ? source.value : source.textContent.trim()
  report(button, await copied(text, source) ? 'Copied' : 'Press Ctrl+C')
})

// Returns whether the text is on the clipboard; otherwise it is selected. The clipboard needs https.
async function copied (text, source) {
  try {
    await navigator.clipboard.writeText(text)
    return true
  } catch {
    getSelection().selectAllChildren(source)
    return document.execCommand('copy')
  }
}

function report (button, text) {
  button.dataset.label ??= button.textContent
  button.textContent = text
  button.classList.add('done')
  clearTimeout(Number(button.dataset.timer))
  button.dataset.timer = String(setTimeout(() => {
    button.textContent = button.dataset.label
    button.classList.remove('done')
  }, SHOWN_MS))
}
