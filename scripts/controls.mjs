// Writes docs/audit/controls.md: every requirement, with its tests, beside what auditors cite, and the other way round.
// Tests are found by the requirement ids that they name. Run it after requirements or tests have changed.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');

/** Each control, and the rows that answer it. One row may answer several controls. */
const CONTROLS = [
  [
    'OWASP Non-Human Identities Top 10 (2025)',
    [
      ['NHI1', 'Improper offboarding', 'FRI-7 TTA-6 APB-6 EMG-2'],
      ['NHI2', 'Secret leakage', 'FRI-3 APB-5 AGE-2'],
      ['NHI3', 'Vulnerable third-party NHI', 'FRI-7 TTA-1 TTA-2 TTA-6 AGE-4'],
      ['NHI4', 'Insecure authentication', 'TTA-1 TTA-3 TTA-4 TTA-5 AGE-2'],
      ['NHI5', 'Overprivileged NHI', 'APB-6 APB-4 AGE-4 OVR-6 FRI-5 EMG-1'],
      ['NHI6', 'Insecure cloud deployment configurations', 'APB-1 APB-2 APB-5 AGE-6 TTA-5'],
      ['NHI7', 'Long-lived secrets', 'APB-6 AGE-2 FRI-3 EMG-1'],
      ['NHI9', 'NHI reuse', 'TTA-3 AGE-2 TTA-1'],
      ['NHI10', 'Human use of NHI', 'TTA-7 FRI-2 FRI-8 TTA-1'],
    ],
  ],
  [
    'OWASP Top 10 for Agentic Applications (2026)',
    [
      ['ASI01', 'Agent goal hijack', 'APB-1 APB-2 APB-3 APB-5 TTA-3'],
      ['ASI02', 'Tool misuse and exploitation', 'AGE-1 AGE-2 AGE-3 AGE-4 AGE-6'],
      ['ASI03', 'Identity and privilege abuse', 'APB-6 TTA-1 TTA-2 TTA-6 TTA-7 EMG-1'],
      ['ASI07', 'Insecure inter-agent communication', 'TTA-4 TTA-5 AGE-2'],
      ['ASI08', 'Cascading failures', 'EMG-2 AGE-5 OVR-11'],
      ['ASI09', 'Human-agent trust exploitation', 'APB-2 APB-3 APB-4 TTA-1 TTA-2 TTA-4 OVR-6'],
      ['ASI10', 'Rogue agents', 'AGE-1 EMG-2 FRI-8 AUD-2 APB-4'],
    ],
  ],
  [
    'NIST Cybersecurity Framework',
    [
      ['CSF 2.0 PR.AA-01', 'Identities and credentials are managed', 'TTA-1 TTA-6 FRI-7 FRI-3'],
      ['CSF 2.0 PR.AA-02', 'Identities are proofed and bound to credentials', 'TTA-1 TTA-3'],
      ['CSF 2.0 PR.AA-03', 'Users, services and hardware are authenticated', 'TTA-1 TTA-4 TTA-5'],
      ['CSF 2.0 PR.AA-04', 'Identity assertions are protected, conveyed and verified', 'TTA-3 TTA-5 AUD-3'],
      [
        'CSF 2.0 PR.AA-05',
        'Permissions are defined, enforced and reviewed; least privilege, separation of duties',
        'OVR-1 OVR-2 OVR-3 APB-6 AGE-4 EMG-3 FRI-8',
      ],
      [
        'CSF 1.1 PR.AC-4',
        'Access permissions incorporate least privilege and separation of duties',
        'OVR-1 OVR-3 OVR-6 APB-6 TTA-7',
      ],
      ['CSF 2.0 DE.CM-03', 'Personnel activity and technology usage are monitored', 'AUD-2 FRI-4 FRI-8'],
      ['CSF 2.0 RS.MI', 'Incidents are contained', 'EMG-1 EMG-2 AGE-5'],
    ],
  ],
  [
    'NIST SP 800-207 Zero Trust Architecture',
    [
      ['Tenet 3', 'Access is granted per session', 'APB-6 AGE-2 EMG-1'],
      ['Tenet 4', 'Access is determined by dynamic policy', 'AGE-4 TTA-6 FRI-1 OVR-6'],
      [
        'Tenet 6',
        'Authentication and authorisation are dynamic and strictly enforced',
        'TTA-2 TTA-5 TTA-6 AGE-3',
      ],
      ['Tenet 7', 'Information about the state of assets is collected and used', 'AUD-2 AUD-5 FRI-4 FRI-8'],
    ],
  ],
  [
    'NIST AI Risk Management Framework 1.0',
    [
      ['GOVERN 2.1', 'Roles and responsibilities are documented and clear', 'OVR-1 OVR-2 OVR-10'],
      ['GOVERN 3.2', 'Human-AI configurations and oversight are defined', 'AGE-1 AGE-3 TTA-7'],
      ['MAP 3.5', 'Processes for human oversight are defined', 'AGE-1 AGE-4 OVR-11'],
      ['MEASURE 2.8', 'Risks of transparency and accountability are examined', 'AUD-1 AUD-2 AUD-3 AUD-5'],
      ['MANAGE 2.4', 'Mechanisms to disengage or deactivate are in place', 'EMG-2 TTA-6 APB-1'],
      [
        'MANAGE 4.1',
        'Post-deployment monitoring, appeal and override are in place',
        'OVR-4 OVR-5 OVR-9 EMG-3 FRI-4 APB-7',
      ],
    ],
  ],
  [
    'NIST SP 800-53 Revision 5',
    [
      ['AC-2(2), AC-2(3)', 'Temporary and inactive accounts end by themselves', 'APB-6 FRI-7 EMG-2 OVR-7'],
      ['AC-3(2)', 'Dual authorization', 'OVR-8 TTA-4 TTA-2 EMG-3'],
      ['AC-5', 'Separation of duties', 'OVR-1 OVR-3 TTA-7 OVR-10 EMG-3 AUD-3'],
      ['AC-6', 'Least privilege', 'APB-6 AGE-4 OVR-6 EMG-1 FRI-6'],
      ['AU-2, AU-3', 'Event logging and its content', 'AUD-2 OVR-5 AUD-5'],
      ['AU-9', 'Protection of audit information', 'AUD-3 AUD-4'],
      ['AU-10', 'Non-repudiation', 'TTA-3 AUD-3 AUD-2 OVR-5'],
      ['AU-11', 'Audit record retention', 'AUD-4'],
      ['CM-3', 'Configuration change control', 'APB-1 AUD-1'],
      ['IA-5', 'Authenticator management', 'TTA-6 FRI-3'],
      ['SI-7', 'Software, firmware and information integrity', 'AUD-1 AUD-3'],
    ],
  ],
];

const requirements = [
  ...readFileSync(path.join(root, 'docs/requirements.md'), 'utf8').matchAll(
    /^\| ([A-Z]{3}-\d+) \| ([^|]*) \|/gm,
  ),
].map(([, id, text]) => ({ id, text: text.trim().replace(/[:;]$/, '') }));
const known = new Set(requirements.map(({ id }) => id));
const byRow = new Map(requirements.map(({ id }) => [id, []]));
for (const [framework, controls] of CONTROLS)
  for (const [id, , rows] of controls)
    for (const row of rows.split(' ')) {
      if (!known.has(row)) throw new Error(`${framework} ${id}: there is no requirement ${row}`);
      byRow.get(row).push(`${short(framework)} ${id}`);
    }
const without = [...byRow].filter(([, cited]) => cited.length === 0).map(([row]) => row);

function short(framework) {
  if (framework.startsWith('OWASP')) return '';
  return framework
    .replace('NIST Cybersecurity Framework', '')
    .replace('NIST AI Risk Management Framework 1.0', 'AI RMF')
    .replace(/NIST (SP 800-\d+).*/, '$1');
}

const tests = new Map();
for (const file of readdirSync(path.join(root, 'test'), { recursive: true })) {
  if (!/\.ts$/.test(file)) continue;
  const text = readFileSync(path.join(root, 'test', file), 'utf8');
  for (const [id] of text.matchAll(/\b[A-Z]{3}-\d+\b/g))
    if (known.has(id) && /['"`(]\s*[^'"`]*$/.test(text.slice(0, text.indexOf(id)).slice(-80)))
      tests.set(id, (tests.get(id) ?? new Set()).add(file));
}
const shownBy = (id) =>
  [...(tests.get(id) ?? [])]
    .sort()
    .map((file) => `\`${file}\``)
    .join(', ') || 'not yet';
const cell = (text) => text.replace(/\|/g, '\\|');

const lines = [
  '# Controls',
  '',
  'Every requirement, with its tests, beside what auditors cite, and the other way round. `node scripts/controls.mjs` writes this',
  'page; tests are found by the requirement ids that they name. A mapping says which requirement answers a control, not that an',
  'organisation meets it: that takes the directory, the policy and the people too. Rows without tests say so.',
  '',
  '## From the requirement',
  '',
  '| id | requirement | answers | shown by |',
  '|---|---|---|---|',
  ...requirements.map(
    ({ id, text }) =>
      `| ${id} | ${cell(text)} | ${
        byRow
          .get(id)
          .map((one) => one.trim())
          .join(', ') || 'none of these'
      } | ${shownBy(id)} |`,
  ),
  '',
  '## From the control',
];
for (const [framework, controls] of CONTROLS) {
  lines.push(
    '',
    `### ${framework}`,
    '',
    '| control | what it asks | requirements | tests |',
    '|---|---|---|---|',
  );
  for (const [id, title, rows] of controls) {
    const ids = rows.split(' ');
    const files = [...new Set(ids.flatMap((row) => [...(tests.get(row) ?? [])]))].sort();
    const open = ids.filter((row) => !tests.has(row));
    const note = open.length > 0 ? `; not yet shown: ${open.join(', ')}` : '';
    lines.push(`| ${id} | ${cell(title)} | ${ids.join(', ')} | ${files.length} files${note} |`);
  }
}
if (without.length > 0) lines.push('', `None of these cites: ${without.join(', ')}.`);
writeFileSync(path.join(root, 'docs/audit/controls.md'), `${lines.join('\n')}\n`);
process.stdout.write(
  `docs/audit/controls.md: ${requirements.length} requirements, ${CONTROLS.flatMap(([, list]) => list).length} controls\n`,
);
