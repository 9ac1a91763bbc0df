import type { Expected } from '../target-check';

/** Returns what an administrator does: make the authority where the gateway runs, and have every host take its certificates. */
export function setUpText({ grants }: Expected, login: string): string {
  const name = login.replace(/^countersign_/, '');
  const principals = [
    ...new Set(grants.flatMap(({ principals = '' }) => principals.split(',').map((one) => one.trim()))),
  ];
  return [
    '# 1. Where the gateway runs, as its user: make the authority. Only the gateway reads this key.',
    "ssh-keygen -q -t ed25519 -N '' -C countersign -f /etc/countersign/ssh_ca",
    '# 2. On every host, as root: take its certificates, and none that were revoked. GATEWAY is the address of the gateway.',
    `curl -fsS "$GATEWAY/v1/ssh/${name}/ca" -o /etc/ssh/countersign_ca.pub`,
    'cat > /etc/cron.d/countersign-krl <<END',
    `* * * * * root curl -fsS "$GATEWAY/v1/ssh/${name}/krl" -o /etc/ssh/countersign_krl.new && mv /etc/ssh/countersign_krl.new /etc/ssh/countersign_krl`,
    'END',
    `curl -fsS "$GATEWAY/v1/ssh/${name}/krl" -o /etc/ssh/countersign_krl`,
    'cat > /etc/ssh/sshd_config.d/countersign.conf <<END',
    'TrustedUserCAKeys /etc/ssh/countersign_ca.pub',
    'RevokedKeys /etc/ssh/countersign_krl',
    'AuthorizedPrincipalsFile /etc/ssh/principals/%u',
    'END',
    '# 3. Say on each host which account these principals may log in to, one a line:',
    ...principals.map((one) => `#   echo '${one}' >> /etc/ssh/principals/ACCOUNT`),
    'sshd -t && systemctl reload ssh',
  ].join('\n');
}
