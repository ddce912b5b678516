// Prints the verdict on each test of the suite in the given folder, for the results that stand on standard input.
import fs from 'fs'

const folder = process.argv[2]
const { default: suites } = await import(`${folder}/tests/index.mjs`)
const { default: surrogate } = await import(`${folder}/tests/surrogate-control.mjs`)
const { determineTestResult } = await import(`${folder}/lib/display.mjs`)

const results = JSON.parse(fs.readFileSync(0))
const all = [...suites, surrogate]
const forCaches = all.flatMap(suite => suite.tests).filter(test => test.browser_only !== true)
const verdicts = forCaches.map(test => ({
  id: test.id,
  kind: test.kind ?? 'required',
  sign: determineTestResult(all, test.id, results, false)[2],
  told: results[test.id]
}))
console.log(JSON.stringify(verdicts))
