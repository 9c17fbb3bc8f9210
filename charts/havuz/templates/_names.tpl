{{- define "havuz.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- ternary .Release.Name (printf "%s-%s" .Release.Name $name) (contains $name .Release.Name) | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "havuz.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
app.kubernetes.io/name: havuz
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/part-of: havuz
{{- end -}}

{{- /* (dict "root" $ "component" "gateway") */ -}}
{{- define "havuz.selector" -}}
app.kubernetes.io/name: havuz
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end -}}

{{- /* (dict "root" $ "name" "havuz/gateway") */ -}}
{{- define "havuz.image" -}}
{{- $registry := .root.Values.image.registry | trimSuffix "/" -}}
{{- $tag := default .root.Chart.AppVersion .root.Values.image.tag -}}
{{- if $registry }}{{ $registry }}/{{ end }}{{ .name }}{{ if not (regexMatch "(@[^/]+|:[^/]+)$" .name) }}:{{ $tag }}{{ end }}
{{- end -}}

{{- define "havuz.encryptionSecret" -}}
{{- default (printf "%s-encryption" (include "havuz.fullname" .)) .Values.encryption.existingSecret -}}
{{- end -}}

{{- define "havuz.redisBundled" -}}
{{- if not (or .Values.redis.url .Values.redis.existingSecret) }}true{{ end -}}
{{- end -}}

{{- define "havuz.redisSecret" -}}
{{- default (printf "%s-redis" (include "havuz.fullname" .)) .Values.redis.existingSecret -}}
{{- end -}}

{{- /* The environment that operator and gateway share: (dict "root" $ "user" "gateway") */ -}}
{{- define "havuz.environment" -}}
- name: HAVUZ_REDIS_URL
  valueFrom:
    secretKeyRef:
      name: {{ include "havuz.redisSecret" .root }}
      key: {{ .user }}-url
- name: HAVUZ_ENCRYPTION_KEYS_FILE
  value: /etc/havuz/encryption/keys
{{- if .root.Values.redis.caSecret }}
- name: HAVUZ_REDIS_CA_FILE
  value: /etc/havuz/redis/ca.crt
{{- end }}
{{- end -}}

{{- /* What every process has that keeps files or calls URLs of clients: (include "havuz.outbound" $) */ -}}
{{- define "havuz.outbound" -}}
- name: HAVUZ_FILE_DAYS
  value: {{ .Values.objectStore.days | quote }}
{{- with .Values.objectStore.url }}
- name: HAVUZ_OBJECT_STORE
  value: {{ . | quote }}
{{- end }}
{{- with .Values.gateway.publicUrl }}
- name: HAVUZ_PUBLIC_URL
  value: {{ . | quote }}
{{- end }}
{{- with .Values.gateway.fetchAllow }}
- name: HAVUZ_FETCH_ALLOW
  value: {{ join " " . | quote }}
{{- end }}
{{- end -}}

{{- /* What operator and gateway mount alike. */ -}}
{{- define "havuz.mounts" -}}
- name: encryption
  mountPath: /etc/havuz/encryption
  readOnly: true
{{- if .Values.redis.caSecret }}
- name: redis-ca
  mountPath: /etc/havuz/redis
  readOnly: true
{{- end }}
{{- end -}}

{{- define "havuz.volumes" -}}
- name: encryption
  secret:
    secretName: {{ include "havuz.encryptionSecret" . }}
    defaultMode: 0440
{{- if .Values.redis.caSecret }}
- name: redis-ca
  secret:
    secretName: {{ .Values.redis.caSecret }}
    defaultMode: 0440
{{- end }}
{{- end -}}

{{- define "havuz.podSecurity" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
fsGroup: 65532
seccompProfile:
  type: RuntimeDefault
{{- end -}}

{{- define "havuz.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end -}}

{{- /* Where pods may run, from the values of one component. */ -}}
{{- define "havuz.placement" -}}
{{- with .nodeSelector }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .tolerations }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .affinity }}
affinity: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}
