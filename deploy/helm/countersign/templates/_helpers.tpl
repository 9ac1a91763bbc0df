{{- define "countersign.name" -}}
{{- printf "%s-%s" .Release.Name .Chart.Name | trunc 50 | trimSuffix "-" -}}
{{- end -}}

{{- define "countersign.labels" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end -}}

{{/* What selects the pods of one program: (list $ "worker") */}}
{{- define "countersign.selector" -}}
{{- $root := index . 0 -}}
app.kubernetes.io/name: {{ $root.Chart.Name }}
app.kubernetes.io/instance: {{ $root.Release.Name }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end -}}

{{- define "countersign.image" -}}
{{- with .Values.image -}}
{{- if .digest -}}{{ .repository }}@{{ .digest }}{{- else -}}{{ .repository }}:{{ .tag | default $.Chart.AppVersion }}{{- end -}}
{{- end -}}
{{- end -}}

{{/* The folder of the bundle in a container. */}}
{{- define "countersign.bundle" -}}
{{- with .Values.bundle -}}
{{- if .gitSync.repository -}}/etc/countersign/git/current{{ with .gitSync.path }}/{{ . }}{{ end }}{{- else -}}/etc/countersign/bundle{{- end -}}
{{- end -}}
{{- end -}}

{{/* The secrets that are mounted, as a list of { path, secret, key }. The name of a file says what it is. */}}
{{- define "countersign.secrets" -}}
{{- $secrets := list (dict "path" "ledger" "from" .Values.ledger) (dict "path" "leases" "from" .Values.leases) (dict "path" "register" "from" .Values.register) (dict "path" "archive" "from" .Values.archive) (dict "path" "codec-keys" "from" .Values.codecKeys) -}}
{{- range .Values.connectors -}}
{{- $secrets = append $secrets (dict "path" (printf "connector-%s-%s" .name .setting) "from" (dict "secret" .secret "key" .key)) -}}
{{- end -}}
{{- $found := list -}}
{{- range $secrets -}}
{{- if .from.secret -}}
{{- $found = append $found (dict "path" .path "secret" .from.secret "key" .from.key) -}}
{{- end -}}
{{- end -}}
{{- dict "all" $found | toJson -}}
{{- end -}}

{{/* The name of a connector's setting in the environment: `caFile` of `pay-db` is COUNTERSIGN_CONNECTOR_PAY_DB_CA_FILE. */}}
{{- define "countersign.variable" -}}
{{- $setting := regexReplaceAll "[A-Z]" .setting "_${0}" -}}
COUNTERSIGN_CONNECTOR_{{ regexReplaceAll "[^A-Z0-9]" (upper .name) "_" }}_{{ upper $setting }}
{{- end -}}

{{- define "countersign.env" -}}
- { name: TEMPORAL_ADDRESS, value: {{ .Values.temporal.address | quote }} }
- { name: TEMPORAL_NAMESPACE, value: {{ .Values.temporal.namespace | quote }} }
{{- with .Values.temporal.taskQueue }}
- { name: COUNTERSIGN_TASK_QUEUE, value: {{ . | quote }} }
{{- end }}
{{- if .Values.temporal.tlsSecret }}
- { name: TEMPORAL_TLS, value: "true" }
- { name: TEMPORAL_TLS_SERVER_CA_CERT_PATH, value: /etc/countersign/temporal/ca.crt }
- { name: TEMPORAL_TLS_CLIENT_CERT_PATH, value: /etc/countersign/temporal/tls.crt }
- { name: TEMPORAL_TLS_CLIENT_KEY_PATH, value: /etc/countersign/temporal/tls.key }
{{- end }}
{{- with .Values.temporal.apiKey }}
{{- if .secret }}
- name: TEMPORAL_API_KEY
  valueFrom: { secretKeyRef: { name: {{ .secret | quote }}, key: {{ .key | quote }} } }
{{- end }}
{{- end }}
- { name: COUNTERSIGN_BUNDLE, value: {{ include "countersign.bundle" . | quote }} }
- { name: COUNTERSIGN_STATE_DIR, value: /var/lib/countersign/state }
- { name: COUNTERSIGN_LEDGER_URL_FILE, value: /run/secrets/countersign/ledger }
{{- if .Values.leases.secret }}
- { name: COUNTERSIGN_LEASES_URL_FILE, value: /run/secrets/countersign/leases }
{{- end }}
{{- if .Values.register.secret }}
- { name: COUNTERSIGN_REGISTER_URL_FILE, value: /run/secrets/countersign/register }
{{- end }}
{{- if .Values.archive.secret }}
- { name: COUNTERSIGN_ARCHIVE_FILE, value: /run/secrets/countersign/archive }
{{- end }}
{{- if .Values.codecKeys.secret }}
- { name: COUNTERSIGN_CODEC_KEYS, value: /run/secrets/countersign/codec-keys }
{{- end }}
{{- if .Values.tickets.configMap }}
- { name: COUNTERSIGN_TICKETS, value: /etc/countersign/tickets/tickets.yaml }
{{- end }}
{{- range .Values.connectors }}
- { name: {{ include "countersign.variable" . }}_FILE, value: {{ printf "/run/secrets/countersign/connector-%s-%s" .name .setting | quote }} }
{{- end }}
{{- if .Values.metrics.enabled }}
- { name: COUNTERSIGN_METRICS_HOST, value: "0.0.0.0" }
- { name: COUNTERSIGN_METRICS_PORT, value: "9464" }
{{- end }}
{{- end -}}

{{- define "countersign.mounts" -}}
- { name: state, mountPath: /var/lib/countersign/state }
- { name: tmp, mountPath: /tmp }
- { name: secrets, mountPath: /run/secrets/countersign, readOnly: true }
{{- if .Values.bundle.gitSync.repository }}
- { name: git, mountPath: /etc/countersign/git, readOnly: true }
{{- else }}
- name: bundle
  mountPath: /etc/countersign/bundle
  readOnly: true
  {{- with .Values.bundle.claim.subPath }}
  subPath: {{ . | quote }}
  {{- end }}
{{- end }}
{{- if .Values.tickets.configMap }}
- { name: tickets, mountPath: /etc/countersign/tickets, readOnly: true }
{{- end }}
{{- if .Values.temporal.tlsSecret }}
- { name: temporal-tls, mountPath: /etc/countersign/temporal, readOnly: true }
{{- end }}
{{- end -}}

{{/* Volumes of a pod: (list $ $more) with more secrets of one program. */}}
{{- define "countersign.volumes" -}}
{{- $root := index . 0 -}}
{{- $secrets := concat (include "countersign.secrets" $root | fromJson).all (index . 1) -}}
- { name: state, emptyDir: { sizeLimit: 64Mi } }
- { name: tmp, emptyDir: { sizeLimit: 256Mi } }
- name: secrets
  projected:
    defaultMode: 0440
    sources:
      {{- range $secrets }}
      - secret: { name: {{ .secret | quote }}, items: [{ key: {{ .key | quote }}, path: {{ .path | quote }} }] }
      {{- end }}
{{- with $root.Values.bundle }}
{{- if .gitSync.repository }}
- { name: git, emptyDir: { sizeLimit: 256Mi } }
{{- if .gitSync.sshSecret }}
- { name: git-ssh, secret: { secretName: {{ .gitSync.sshSecret | quote }}, defaultMode: 0440 } }
{{- end }}
{{- else if .claim.name }}
- { name: bundle, persistentVolumeClaim: { claimName: {{ .claim.name | quote }}, readOnly: true } }
{{- else }}
- { name: bundle, configMap: { name: {{ required "set one of bundle.configMap, bundle.claim.name and bundle.gitSync.repository" .configMap | quote }} } }
{{- end }}
{{- end }}
{{- with $root.Values.tickets.configMap }}
- { name: tickets, configMap: { name: {{ . | quote }} } }
{{- end }}
{{- with $root.Values.temporal.tlsSecret }}
- { name: temporal-tls, secret: { secretName: {{ . | quote }}, defaultMode: 0440 } }
{{- end }}
{{- end -}}

{{- define "countersign.confined" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: { drop: [ALL] }
{{- end -}}

{{/* A sidecar that follows the repository of the bundle, and one that waits for it at the start: (list $ "once") */}}
{{- define "countersign.gitSync" -}}
{{- $root := index . 0 -}}
{{- with $root.Values.bundle.gitSync }}
- name: git-sync-{{ index $ 1 }}
  image: {{ .image | quote }}
  args:
    - --repo={{ .repository }}
    - --ref={{ .ref }}
    - --root=/git
    - --link=current
    - --depth=1
    {{- if eq (index $ 1) "once" }}
    - --one-time
    {{- else }}
    - --period={{ .periodSeconds }}s
    {{- end }}
    {{- if .sshSecret }}
    - --ssh-key-file=/etc/git-secret/ssh
    - --ssh-known-hosts-file=/etc/git-secret/known_hosts
    {{- end }}
  securityContext:
    {{- include "countersign.confined" $root | nindent 4 }}
    # The user of its image: ssh asks for one that has a name.
    runAsUser: 65533
    runAsGroup: 65533
  resources: { requests: { cpu: 10m, memory: 32Mi }, limits: { memory: 256Mi } }
  volumeMounts:
    - { name: git, mountPath: /git }
    - { name: tmp, mountPath: /tmp }
    {{- if .sshSecret }}
    - { name: git-ssh, mountPath: /etc/git-secret, readOnly: true }
    {{- end }}
{{- end }}
{{- end -}}

{{/* What every pod has in common: (list $ "worker") */}}
{{- define "countersign.pod" -}}
{{- $root := index . 0 -}}
serviceAccountName: {{ include "countersign.name" $root }}
automountServiceAccountToken: {{ and $root.Values.serviceAccount.mountToken (eq (index . 1) "worker") }}
securityContext:
  runAsNonRoot: true
  # The user `node` of the image. Secrets are mounted for its group.
  runAsUser: 1000
  runAsGroup: 1000
  fsGroup: 1000
  seccompProfile: { type: RuntimeDefault }
{{- with $root.Values.image.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - { name: {{ . | quote }} }
  {{- end }}
{{- end }}
{{- with $root.Values.pod.nodeSelector }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $root.Values.pod.tolerations }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $root.Values.pod.topologySpreadConstraints }}
topologySpreadConstraints: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}
