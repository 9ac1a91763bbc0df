// Reads the JSON report of a run of Jest: prints `passed failed`, and with `--failures` the failed tests, a line each.
import { readFileSync } from 'node:fs';

const MOST_FAILURES = 30;
const MOST_PER_FILE = 3;
const MOST_CHARACTERS = 300;

const [file, what] = process.argv.slice(2);
const report = JSON.parse(readFileSync(file, 'utf8'));

/** The beginning of what a failed test said, in one line and without colours. */
const inOneLine = (message) =>
  message
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters that colour text in a terminal
    .replace(/\u001b\[[0-9;]*m/g, '')
    .replace(/\s+/g, ' ')
    .trim()
    .slice(0, MOST_CHARACTERS);

if (what === '--failures') {
  const lines = report.testResults
    .filter(({ status }) => status === 'failed')
    .flatMap(({ name, message, assertionResults }) => {
      const file = name.replace(/^.*\/test\//, 'test/');
      const failed = assertionResults.filter(({ status }) => status === 'failed');
      // A file that could not be loaded has no tests, only a message.
      if (failed.length === 0) return [`${file}: ${inOneLine(message)}`];
      const left = failed.length - MOST_PER_FILE;
      return [
        ...failed
          .slice(0, MOST_PER_FILE)
          .map((one) => `${file}: ${one.fullName}: ${inOneLine(one.failureMessages[0] ?? '')}`),
        ...(left > 0 ? [`${file}: and ${left} more`] : []),
      ];
    });
  for (const line of lines.slice(0, MOST_FAILURES)) console.log(line);
  if (lines.length > MOST_FAILURES) console.log(`and ${lines.length - MOST_FAILURES} more lines`);
} else {
  // A skipped test is one that shows nothing, so it counts as failed.
  const skipped = report.numPendingTests + report.numTodoTests;
  const broken = report.numRuntimeErrorTestSuites;
  console.log(report.numPassedTests, report.numFailedTests + skipped + broken);
}
