{{/*
What the values leave out, as values.yaml has it: `helm upgrade --reuse-values` brings the values of the release before, in which what is new since is missing. Every template begins
with this. (files/values.yaml is a copy: Helm gives templates no values.yaml.)
*/}}
{{- define "bailiwick.defaults" -}}
{{- include "bailiwick.fill" (dict "into" .Values "from" (.Files.Get "files/values.yaml" | fromYaml)) -}}
{{- end -}}

{{/* dict "into" "from". Not into maps that are taken as given, from which a key is taken away by null. */}}
{{- define "bailiwick.fill" -}}
{{- range $key, $default := .from -}}
{{- $given := get $.into $key -}}
{{- if or (not (hasKey $.into $key)) (kindIs "invalid" $given) -}}
{{- $_ := set $.into $key $default -}}
{{- else if and (kindIs "map" $given) (kindIs "map" $default) (not (has $key (list "resources" "labels"))) -}}
{{- include "bailiwick.fill" (dict "into" $given "from" $default) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "bailiwick.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 40 | trimSuffix "-" -}}
{{- end -}}

{{- define "bailiwick.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" -}}
{{- else if contains (include "bailiwick.name" .) .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (include "bailiwick.name" .) | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{/* Labels of an object. Never of a host's template: the chart's version in it would replace all hosts. */}}
{{- define "bailiwick.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
app.kubernetes.io/name: {{ include "bailiwick.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/part-of: bailiwick
{{- end -}}

{{/* Labels that select the pods of a component: dict "root" "component". */}}
{{- define "bailiwick.selector" -}}
app.kubernetes.io/name: {{ include "bailiwick.name" .root }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end -}}

{{/* Labels that select host pods of this release, whatever their fleet (a dedicated fleet copies them). */}}
{{- define "bailiwick.hostSelector" -}}
bailiwick.dev/component: zone-server
bailiwick.dev/instance: {{ .Release.Name }}
{{- end -}}

{{- define "bailiwick.image" -}}
{{- printf "%s:%s" .Values.image.repository (default .Chart.AppVersion .Values.image.tag) -}}
{{- end -}}

{{- define "bailiwick.hostImage" -}}
{{- $tag := default .Chart.AppVersion (default .Values.image.tag .Values.hosts.image.tag) -}}
{{- printf "%s:%s" (default .Values.image.repository .Values.hosts.image.repository) $tag -}}
{{- end -}}

{{/* The namespaces with hosts, as a JSON list. */}}
{{- define "bailiwick.hostNamespaces" -}}
{{- default (list .Release.Namespace) .Values.hosts.namespaces | uniq | toJson -}}
{{- end -}}

{{- define "bailiwick.redisUrl" -}}
{{- if .Values.redis.embedded.enabled -}}
{{- printf "redis://%s-redis.%s.svc:6379" (include "bailiwick.fullname" .) .Release.Namespace -}}
{{- else -}}
{{- .Values.redis.url -}}
{{- end -}}
{{- end -}}

{{- define "bailiwick.mongodbUrl" -}}
{{- if .Values.mongodb.embedded.enabled -}}
{{- printf "mongodb://%s-mongodb.%s.svc:27017/?directConnection=true" (include "bailiwick.fullname" .) .Release.Namespace -}}
{{- else -}}
{{- .Values.mongodb.url -}}
{{- end -}}
{{- end -}}

{{- define "bailiwick.hostSecret" -}}
{{- default (printf "%s-hosts" (include "bailiwick.fullname" .)) .Values.hosts.existingSecret -}}
{{- end -}}

{{- define "bailiwick.signingKeySecret" -}}
{{- default (printf "%s-signing-key" (include "bailiwick.fullname" .)) .Values.auth.signingKey.existingSecret.name -}}
{{- end -}}

{{/* env entries */}}
{{- define "bailiwick.env.redis" -}}
- name: REDIS_URL
  valueFrom:
    secretKeyRef:
      name: {{ default (printf "%s-redis" (include "bailiwick.fullname" .)) .Values.redis.existingSecret.name }}
      key: {{ ternary .Values.redis.existingSecret.key "url" (ne .Values.redis.existingSecret.name "") }}
{{- end -}}

{{- define "bailiwick.env.mongodb" -}}
- name: MONGODB_URL
  valueFrom:
    secretKeyRef:
      name: {{ default (printf "%s-mongodb" (include "bailiwick.fullname" .)) .Values.mongodb.existingSecret.name }}
      key: {{ ternary .Values.mongodb.existingSecret.key "url" (ne .Values.mongodb.existingSecret.name "") }}
- name: MONGODB_DATABASE
  value: {{ .Values.mongodb.database | quote }}
{{- end -}}

{{- define "bailiwick.env.pod" -}}
- name: POD_NAME
  valueFrom: { fieldRef: { fieldPath: metadata.name } }
- name: POD_NAMESPACE
  valueFrom: { fieldRef: { fieldPath: metadata.namespace } }
{{- end -}}

{{- define "bailiwick.env.jwks" -}}
- name: JWKS_URL
  value: http://{{ include "bailiwick.fullname" . }}-auth.{{ .Release.Namespace }}.svc:{{ .Values.auth.service.port }}/.well-known/jwks.json
{{- end -}}

{{/* Pod and container security of everything but hosts: Pod Security `restricted`. */}}
{{- define "bailiwick.podSecurityContext" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
fsGroup: 65532
fsGroupChangePolicy: OnRootMismatch
seccompProfile: { type: RuntimeDefault }
{{- end -}}

{{- define "bailiwick.containerSecurityContext" -}}
allowPrivilegeEscalation: false
privileged: false
readOnlyRootFilesystem: true
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
capabilities: { drop: [ALL] }
seccompProfile: { type: RuntimeDefault }
{{- end -}}

{{/* Where a pod may run: the values of a component. */}}
{{- define "bailiwick.scheduling" -}}
{{- with .priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
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

{{/*
The Deployment of one program: dict "root" "component" "program" "ports" "env" "automount" "volumes" "volumeMounts". The texts are YAML without indentation.
*/}}
{{- define "bailiwick.deployment" -}}
{{- $root := .root -}}
{{- $values := index $root.Values .component -}}
{{- $name := printf "%s-%s" (include "bailiwick.fullname" $root) .component -}}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ $name }}
  namespace: {{ $root.Release.Namespace }}
  labels:
    {{- include "bailiwick.labels" $root | nindent 4 }}
    app.kubernetes.io/component: {{ .component }}
spec:
  replicas: {{ $values.replicas }}
  revisionHistoryLimit: 3
  strategy:
    type: RollingUpdate
    rollingUpdate: { maxSurge: 1, maxUnavailable: 0 }
  selector:
    matchLabels:
      {{- include "bailiwick.selector" . | nindent 6 }}
  template:
    metadata:
      labels:
        {{- include "bailiwick.selector" . | nindent 8 }}
        app.kubernetes.io/part-of: bailiwick
      annotations:
        # Pods read their configuration once, so a change of this release's connections replaces them. 20 bits: enough to notice it, too few to check a guessed password.
        bailiwick.dev/connections: {{ printf "%s %s" (include "bailiwick.redisUrl" $root) (include "bailiwick.mongodbUrl" $root) | sha256sum | trunc 5 | quote }}
        {{- with $values.podAnnotations }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
    spec:
      serviceAccountName: {{ $name }}
      automountServiceAccountToken: {{ .automount }}
      enableServiceLinks: false
      {{- with $root.Values.image.pullSecrets }}
      imagePullSecrets:
        {{- range . }}
        - name: {{ . }}
        {{- end }}
      {{- end }}
      securityContext:
        {{- include "bailiwick.podSecurityContext" . | nindent 8 }}
      topologySpreadConstraints:
        - maxSkew: 1
          topologyKey: kubernetes.io/hostname
          whenUnsatisfiable: ScheduleAnyway
          labelSelector:
            matchLabels:
              {{- include "bailiwick.selector" . | nindent 14 }}
          matchLabelKeys: [pod-template-hash]
      {{- include "bailiwick.scheduling" $values | nindent 6 }}
      containers:
        - name: {{ .component }}
          image: {{ include "bailiwick.image" $root }}
          imagePullPolicy: {{ $root.Values.image.pullPolicy }}
          args: [{{ .program | quote }}]
          env:
            - name: LOG_LEVEL
              value: {{ $root.Values.logLevel }}
            {{- include "bailiwick.env.pod" $root | nindent 12 }}
            {{- .env | nindent 12 }}
          ports:
            {{- .ports | nindent 12 }}
          # At the internal port: whoever fills the public one with connections must not have the pods restarted.
          startupProbe:
            httpGet: { path: /livez, port: internal }
            periodSeconds: 1
            timeoutSeconds: 5
            failureThreshold: 180
          livenessProbe:
            httpGet: { path: /livez, port: internal }
            # Patient: a restart helps against a program that hangs, and makes it worse on a node that is overloaded.
            periodSeconds: 10
            timeoutSeconds: 10
            failureThreshold: 6
          readinessProbe:
            httpGet: { path: /readyz, port: internal }
            periodSeconds: 2
            timeoutSeconds: 3
            failureThreshold: 2
          resources: {{- toYaml $values.resources | nindent 12 }}
          securityContext:
            {{- include "bailiwick.containerSecurityContext" . | nindent 12 }}
          {{- with .volumeMounts }}
          volumeMounts:
            {{- . | nindent 12 }}
          {{- end }}
      {{- with .volumes }}
      volumes:
        {{- . | nindent 8 }}
      {{- end }}
{{- end -}}

{{/* Whether the operator watches nodes: "true" or "false". */}}
{{- define "bailiwick.watchNodes" -}}
{{- $asked := .Values.operator.watchNodes -}}
{{- or (eq $asked "always") (and (eq $asked "auto") (empty .Values.watchNamespaces)) -}}
{{- end }}

{{/* ServiceAccount and PodDisruptionBudget of one program: dict "root" "component". */}}
{{- define "bailiwick.companions" -}}
{{- $root := .root -}}
{{- $values := index $root.Values .component -}}
{{- $name := printf "%s-%s" (include "bailiwick.fullname" $root) .component -}}
apiVersion: v1
kind: ServiceAccount
metadata:
  name: {{ $name }}
  namespace: {{ $root.Release.Namespace }}
  labels:
    {{- include "bailiwick.labels" $root | nindent 4 }}
    app.kubernetes.io/component: {{ .component }}
automountServiceAccountToken: false
{{- if and $root.Values.podDisruptionBudgets.enabled (gt (int $values.replicas) 1) }}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  name: {{ $name }}
  namespace: {{ $root.Release.Namespace }}
  labels:
    {{- include "bailiwick.labels" $root | nindent 4 }}
    app.kubernetes.io/component: {{ .component }}
spec:
  maxUnavailable: 1
  unhealthyPodEvictionPolicy: AlwaysAllow
  selector:
    matchLabels:
      {{- include "bailiwick.selector" . | nindent 6 }}
{{- end }}
{{- end -}}

{{/* The Service in front of one program's public port: dict "root" "component" "internal" (port number or 0). */}}
{{- define "bailiwick.service" -}}
{{- $root := .root -}}
{{- $values := index $root.Values .component -}}
apiVersion: v1
kind: Service
metadata:
  name: {{ include "bailiwick.fullname" $root }}-{{ .component }}
  namespace: {{ $root.Release.Namespace }}
  labels:
    {{- include "bailiwick.labels" $root | nindent 4 }}
    app.kubernetes.io/component: {{ .component }}
  {{- with $values.service.annotations }}
  annotations: {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  type: {{ $values.service.type }}
  selector:
    {{- include "bailiwick.selector" . | nindent 4 }}
  ports:
    - { name: http, port: {{ $values.service.port }}, targetPort: http, protocol: TCP, appProtocol: http }
{{- end -}}

{{/* Resources with their quantities as text: a Fleet that changes may have no numbers, which --set makes of them. */}}
{{- define "bailiwick.textResources" -}}
{{- $resources := dict }}
{{- range $kind, $amounts := . }}
{{- if kindIs "map" $amounts }}
{{- $written := dict }}
{{- range $name, $amount := $amounts }}
{{- $_ := set $written $name (toString $amount) }}
{{- end }}
{{- $_ := set $resources $kind $written }}
{{- else }}
{{- $_ := set $resources $kind $amounts }}
{{- end }}
{{- end }}
{{- toYaml $resources }}
{{- end }}
