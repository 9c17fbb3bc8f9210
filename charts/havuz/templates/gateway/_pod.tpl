{{- /* The pod of a gateway or a worker: (dict "root" $ "component" "worker" "role" "worker" "values" .Values.worker "drainDelay" 0 "settings" (dict "HAVUZ_…" 1)) */ -}}
{{- define "havuz.gatewayPod" -}}
{{- $root := .root }}
{{- $gateway := $root.Values.gateway -}}
{{- $workers := int (default 1 .workers) -}}
serviceAccountName: {{ include "havuz.fullname" $root }}-gateway
# A gateway never calls the API server.
automountServiceAccountToken: false
enableServiceLinks: false
# On SIGTERM the process itself goes on accepting for the delay, then drains: no preStop hook is needed.
terminationGracePeriodSeconds: {{ add .drainDelay $gateway.drainGrace 15 }}
securityContext: {{- include "havuz.podSecurity" $root | nindent 2 }}
{{- with $root.Values.image.pullSecrets }}
imagePullSecrets: {{- toYaml . | nindent 2 }}
{{- end }}
topologySpreadConstraints:
- maxSkew: 1
  topologyKey: kubernetes.io/hostname
  whenUnsatisfiable: ScheduleAnyway
  labelSelector:
    matchLabels: {{- include "havuz.selector" (dict "root" $root "component" .component) | nindent 6 }}
containers:
- name: {{ .component }}
  image: {{ include "havuz.image" (dict "root" $root "name" $gateway.image) }}
  imagePullPolicy: {{ $root.Values.image.pullPolicy }}
  env:
  {{- include "havuz.environment" (dict "root" $root "user" "gateway") | nindent 2 }}
  - name: HAVUZ_ROLE
    value: {{ .role }}
  {{- if gt $workers 1 }}
  - name: HAVUZ_WORKERS
    value: {{ $workers | quote }}
  {{- end }}
  {{- range $name, $value := .settings }}
  - name: {{ $name }}
    value: {{ $value | quote }}
  {{- end }}
  - name: HAVUZ_STATE_DIR
    value: /var/lib/havuz
  - name: HAVUZ_LOG_LEVEL
    value: {{ $gateway.logLevel }}
  - name: HAVUZ_DRAIN_DELAY
    value: {{ .drainDelay | quote }}
  - name: HAVUZ_DRAIN_GRACE
    value: {{ $gateway.drainGrace | quote }}
  - name: HAVUZ_TRACE_RATIO
    value: {{ $gateway.traceRatio | quote }}
  {{- include "havuz.outbound" $root | nindent 2 }}
  {{- with $gateway.otlpEndpoint }}
  - name: OTEL_EXPORTER_OTLP_ENDPOINT
    value: {{ . | quote }}
  {{- end }}
  {{- with $gateway.env }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
  {{- with $root.Values.objectStore.existingSecret }}
  envFrom:
  - secretRef: {name: {{ . }}}
  {{- end }}
  ports:
  {{- if ne .role "worker" }}
  - name: http
    containerPort: 8080
  {{- end }}
  - name: operations
    containerPort: 9090
  startupProbe:
    httpGet: {path: /livez, port: operations}
    periodSeconds: 1
    failureThreshold: 60
  livenessProbe:
    httpGet: {path: /livez, port: operations}
    periodSeconds: 10
    timeoutSeconds: 5
  readinessProbe:
    httpGet: {path: /readyz, port: operations}
    periodSeconds: 2
    timeoutSeconds: 2
  resources: {{- toYaml .values.resources | nindent 4 }}
  securityContext: {{- include "havuz.containerSecurity" $root | nindent 4 }}
  volumeMounts:
  {{- include "havuz.mounts" $root | nindent 2 }}
  - name: state
    mountPath: /var/lib/havuz
  - name: tmp
    mountPath: /tmp
  {{- if and $root.Values.pages.enabled (eq .component "gateway") }}
  - name: pages
    mountPath: /etc/havuz-pages
    readOnly: true
  {{- end }}
volumes:
{{- include "havuz.volumes" $root | nindent 0 }}
{{- if and $root.Values.pages.enabled (eq .component "gateway") }}
- name: pages
  configMap: {name: {{ include "havuz.fullname" $root }}-pages}
{{- end }}
# The encrypted copy of the configuration: a container that restarts while Redis is away serves from it.
- name: state
  emptyDir: {sizeLimit: {{ mul 256 $workers }}Mi}
- name: tmp
  emptyDir: {sizeLimit: {{ mul 256 $workers }}Mi}
{{- include "havuz.placement" .values | nindent 0 }}
{{- end -}}
